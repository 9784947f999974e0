//! A bounded queue and a task for each notifier.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::{Notification, Notifier};

/// How many notifications wait for each notifier unless told otherwise.
const DEFAULT_CAPACITY: usize = 64;
/// How often one is tried in all unless told otherwise.
const DEFAULT_TRIES: u32 = 4;
/// How long one try may take unless told otherwise.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(10);
/// Before the second try; twice as long before each further one.
const DEFAULT_BACKOFF: Duration = Duration::from_millis(500);
/// Longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// What has become of the notifications, over all notifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifyCounts {
    /// Told.
    pub delivered: u64,
    /// Given up after the last try.
    pub failed: u64,
    /// Not taken: the queue was full.
    pub dropped: u64,
}

#[derive(Default)]
struct Counters {
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// Tells every notifier in a task of its own: [`Notifications::send`] never waits, and a notifier
/// that fails, hangs or panics holds up neither the conversation nor the other notifiers.
///
/// Each keeps the order; a full queue drops what is new, logs it and counts it.
///
/// ```
/// use std::time::Duration;
///
/// use duologue_triage::{LogNotifier, Notification, NotificationKind, Notifications};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let notifications = Notifications::builder().notifier(LogNotifier).start();
/// notifications.send(Notification::new(NotificationKind::Escalated, "Ada needs a person"));
/// let counts = notifications.close(Duration::from_secs(5)).await;
/// assert_eq!(counts.delivered, 1);
/// # }
/// ```
pub struct Notifications {
    queues: Vec<mpsc::Sender<Arc<Notification>>>,
    names: Vec<String>,
    tasks: Vec<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Notifications {
    /// How to make them.
    pub fn builder() -> NotificationsBuilder {
        NotificationsBuilder {
            notifiers: Vec::new(),
            capacity: DEFAULT_CAPACITY,
            plan: Plan { tries: DEFAULT_TRIES, time_limit: DEFAULT_TIME_LIMIT, backoff: DEFAULT_BACKOFF },
        }
    }

    /// Tells every notifier, soon; never waits. Whether every queue took it.
    pub fn send(&self, notification: Notification) -> bool {
        let notification = Arc::new(notification);
        let mut taken = true;
        for (queue, name) in self.queues.iter().zip(&self.names) {
            if queue.try_send(Arc::clone(&notification)).is_err() {
                taken = false;
                self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(notifier = name, id = notification.id, "queue full: notification dropped");
            }
        }
        taken
    }

    /// What has become of them so far.
    pub fn counts(&self) -> NotifyCounts {
        NotifyCounts {
            delivered: self.counters.delivered.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
            dropped: self.counters.dropped.load(Ordering::Relaxed),
        }
    }

    /// Tells what is queued, for at most `deadline`; what is left then is dropped and logged.
    pub async fn close(mut self, deadline: Duration) -> NotifyCounts {
        self.queues.clear();
        let mut tasks = std::mem::take(&mut self.tasks);
        let all = async {
            for task in &mut tasks {
                // A task ends when its queue is empty; it does not panic.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(deadline, all).await.is_err() {
            tracing::warn!(?deadline, "notifications were not delivered in time and are dropped");
            tasks.iter().for_each(JoinHandle::abort);
        }
        self.counts()
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Makes [`Notifications`].
#[must_use]
pub struct NotificationsBuilder {
    notifiers: Vec<Arc<dyn Notifier>>,
    capacity: usize,
    plan: Plan,
}

#[derive(Clone, Copy)]
struct Plan {
    tries: u32,
    time_limit: Duration,
    backoff: Duration,
}

impl NotificationsBuilder {
    /// One more system to tell.
    pub fn notifier(mut self, notifier: impl Notifier) -> Self {
        self.notifiers.push(Arc::new(notifier));
        self
    }

    /// How many notifications wait for each notifier, at least 1; by default 64.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.max(1);
        self
    }

    /// How often each is tried in all, at least once; by default 4 times.
    pub fn tries(mut self, tries: u32) -> Self {
        self.plan.tries = tries.max(1);
        self
    }

    /// How long one try may take; by default 10 s.
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.plan.time_limit = time_limit;
        self
    }

    /// The wait before the second try, doubled before each further one up to 30 s; by default 500 ms.
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.plan.backoff = backoff;
        self
    }

    /// Starts a task for each notifier, on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(self) -> Notifications {
        let counters = Arc::new(Counters::default());
        let mut notifications = Notifications {
            queues: Vec::new(),
            names: Vec::new(),
            tasks: Vec::new(),
            counters: Arc::clone(&counters),
        };
        for notifier in self.notifiers {
            let (sender, receiver) = mpsc::channel(self.capacity);
            notifications.queues.push(sender);
            notifications.names.push(notifier.name().to_owned());
            let work = serve(notifier, receiver, self.plan, Arc::clone(&counters));
            notifications.tasks.push(tokio::spawn(work));
        }
        notifications
    }
}

async fn serve(
    notifier: Arc<dyn Notifier>,
    mut queue: mpsc::Receiver<Arc<Notification>>,
    plan: Plan,
    counters: Arc<Counters>,
) {
    while let Some(notification) = queue.recv().await {
        let counter = match deliver(&notifier, &notification, plan).await {
            true => &counters.delivered,
            false => &counters.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

async fn deliver(notifier: &Arc<dyn Notifier>, notification: &Arc<Notification>, plan: Plan) -> bool {
    let mut wait = plan.backoff;
    for attempt in 1..=plan.tries {
        let Err(problem) = attempt_once(notifier, notification, plan.time_limit).await else { return true };
        let (name, id) = (notifier.name(), &notification.id);
        if attempt == plan.tries {
            tracing::error!(notifier = name, id, problem, "notification given up");
            return false;
        }
        tracing::warn!(notifier = name, id, problem, attempt, "notification failed, trying again");
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(MAX_BACKOFF);
    }
    false
}

/// In a task of its own: a panic of the notifier ends only that.
async fn attempt_once(
    notifier: &Arc<dyn Notifier>,
    notification: &Arc<Notification>,
    time_limit: Duration,
) -> Result<(), String> {
    let (notifier, notification) = (Arc::clone(notifier), Arc::clone(notification));
    let task = tokio::spawn(async move { notifier.notify(&notification).await });
    match tokio::time::timeout(time_limit, AbortOnDropHandle::new(task)).await {
        Ok(Ok(result)) => result.map_err(|error| error.to_string()),
        Ok(Err(panic)) => Err(format!("it panicked: {panic}")),
        Err(_) => Err(format!("no answer in {time_limit:?}")),
    }
}
