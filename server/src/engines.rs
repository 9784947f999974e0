//! The models behind every server: loaded once, in the background, so that a server answers before they are warm.

use std::sync::Arc;

use duologue_setup::{Config, Models};
use tokio::sync::watch;

use crate::{Error, ErrorKind};

/// The models that a configuration names. Cheap to clone; every clone shares them.
#[derive(Clone)]
pub struct Engines {
    config: Arc<Config>,
    loaded: watch::Receiver<Option<Result<Arc<Models>, Error>>>,
}

impl Engines {
    /// Begins to load what `config` names on a thread of its own; opens no socket if `offline`.
    ///
    /// # Errors
    /// [`ErrorKind::Models`] if no thread can be started.
    pub fn load(config: Config, offline: bool) -> Result<Self, Error> {
        let config = Arc::new(config);
        let (tell, loaded) = watch::channel(None);
        let settings = Arc::clone(&config);
        let load = move || {
            let models = Models::load(&settings, offline).map(Arc::new);
            // Nobody waits any more: the server has ended.
            let _ = tell.send(Some(models.map_err(|error| Error::new(ErrorKind::Models, error.to_string()))));
        };
        let thread = std::thread::Builder::new().name("duologue-load".into());
        thread.spawn(load).map_err(|error| {
            Error::new(ErrorKind::Models, format!("no thread to load the models: {error}; free some threads"))
        })?;
        Ok(Self { config, loaded })
    }

    /// The settings that the models were chosen by.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The models, if they are loaded; an error if they cannot be.
    ///
    /// # Errors
    /// [`ErrorKind::Models`], as every later call.
    pub fn try_models(&self) -> Result<Option<Arc<Models>>, Error> {
        self.loaded.borrow().clone().transpose()
    }

    /// Waits until the models are loaded.
    ///
    /// # Errors
    /// [`ErrorKind::Models`] if they cannot be.
    pub async fn models(&self) -> Result<Arc<Models>, Error> {
        let mut loaded = self.loaded.clone();
        let ended = || {
            Error::new(ErrorKind::Models, "loading the models ended without a result; start the server again")
        };
        let models = loaded.wait_for(Option::is_some).await.map_err(|_| ended())?.clone();
        models.ok_or_else(ended).and_then(|models| models)
    }
}
