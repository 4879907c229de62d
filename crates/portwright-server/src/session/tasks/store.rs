//! The tasks that run or are kept: bounded in number and size, each bound to its principal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portwright_core::{Principal, limits};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::task::Task;
use crate::ops::random;
use crate::plan::TaskPlan;

/// The tasks of a server.
#[derive(Debug)]
pub(crate) struct Tasks {
    plan: TaskPlan,
    kept: Mutex<HashMap<Arc<str>, Arc<Task>>>,
    told: broadcast::Sender<Arc<str>>,
    draining: CancellationToken,
}

/// Why there is no new task.
#[derive(Debug)]
pub(super) enum Full {
    Tasks,
    Random(getrandom::Error),
}

impl Tasks {
    pub(crate) fn new(plan: TaskPlan, draining: CancellationToken) -> Self {
        let (told, _) = broadcast::channel(limits::TASK_CHANGES_MAX);
        Self { plan, kept: Mutex::default(), told, draining }
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Task>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new task, under an id that can't be guessed: 192 random bits.
    pub(super) fn begin(&self, principal: &Arc<Principal>, cancel: CancellationToken) -> Result<Arc<Task>, Full> {
        let id: Arc<str> = random::hex::<24>().map_err(Full::Random)?.into();
        let mut tasks = self.tasks();
        tasks.retain(|_, task| !task.is_expired());
        let full = tasks.len() >= self.plan.max
            || tasks.len() >= self.plan.max_of_one
                && tasks.values().filter(|task| task.is_of(principal)).count() >= self.plan.max_of_one;
        if full {
            return Err(Full::Tasks);
        }
        // What is kept longer than it may run can be fetched when it has ended.
        let ttl = self.plan.ttl.max(self.plan.timeout + 2 * limits::STOP_WAIT);
        let task =
            Task::begin(id.clone(), principal.clone(), ttl, cancel, self.draining.child_token(), self.told.clone());
        let task = Arc::new(task);
        tasks.insert(id, task.clone());
        Ok(task)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks().len()
    }

    /// The task of that id, if it is this principal's; another's looks like none.
    pub(crate) fn get(&self, id: &str, principal: &Principal) -> Option<Arc<Task>> {
        let mut tasks = self.tasks();
        let task = tasks.get(id).filter(|task| task.is_of(principal))?.clone();
        if task.is_expired() {
            tasks.remove(id);
            return None;
        }
        Some(task)
    }

    /// Sets room aside for a task's result; false if there is none.
    pub(super) fn reserve(&self, task: &Task, bytes: usize) -> bool {
        if bytes > limits::TASK_RESULT_BYTES_MAX {
            return false;
        }
        let tasks = self.tasks();
        let sum = |one: bool| -> usize {
            tasks.values().filter(|other| !one || other.is_of(&task.principal)).map(|other| other.bytes()).sum()
        };
        let fits = sum(true) + bytes <= limits::TASK_RESULTS_OF_ONE_BYTES_MAX
            && sum(false) + bytes <= limits::TASK_RESULTS_BYTES_MAX;
        if fits {
            task.set_bytes(bytes);
        }
        fits
    }

    /// Drops what is no longer kept.
    pub(crate) fn sweep(&self) {
        self.tasks().retain(|_, task| !task.is_expired());
    }

    /// Calls all of them off: nobody is left who could ask for them.
    pub(crate) fn call_off(&self, why: &str) {
        let tasks: Vec<_> = self.tasks().values().cloned().collect();
        for task in tasks {
            task.call_off(why);
        }
    }

    /// Tells the id of each task whose status changes, from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Arc<str>> {
        self.told.subscribe()
    }
}
