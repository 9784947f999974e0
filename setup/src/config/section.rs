//! A table of settings whose reader is another crate.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::ConfigError;

/// A table of `duologue.toml` that every build accepts, for a part that not every build has. That part reads
/// it with [`Section::read`].
///
/// ```
/// # use serde::Deserialize;
/// use duologue_setup::Config;
///
/// #[derive(Deserialize)]
/// struct Limits {
///     job_limit: usize,
/// }
///
/// let config = Config::parse("[worker]\njob_limit = 8", "duologue.toml", [])?;
/// assert_eq!(config.worker.read::<Limits>("worker")?.job_limit, 8);
/// # Ok::<(), duologue_setup::ConfigError>(())
/// ```
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Section(Table);

impl Section {
    /// What is set. Values may be secret.
    pub fn table(&self) -> &Table {
        &self.0
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As `T`, which has defaults for what is not set; `name` is the table's, for errors.
    ///
    /// # Errors
    /// [`ConfigError`] if a key is not one of `T`'s, or its value is of another kind.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        Value::Table(self.0.clone()).try_into().map_err(|error| ConfigError::new(format!("[{name}] {error}")))
    }
}

impl From<Table> for Section {
    fn from(table: Table) -> Self {
        Self(table)
    }
}

/// Keys only: values may be secret.
impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
