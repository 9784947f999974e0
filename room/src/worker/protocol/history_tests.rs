//! Whatever happens to a worker, in any order: the limit holds and every job has its end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{Rig, SECOND, limits};
use super::*;

/// What may happen to a worker.
#[derive(Clone, Debug)]
enum Step {
    Offer(u8),
    Accept(u8),
    Decline(u8),
    Assign(u8),
    End(u8, bool),
    Terminate(u8),
    Load(u8, bool),
    Cut,
    Connect,
    Pass(u16),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    let job = 0_u8..12;
    prop_oneof![
        8 => job.clone().prop_map(Step::Offer),
        8 => job.clone().prop_map(Step::Accept),
        1 => job.clone().prop_map(Step::Decline),
        8 => job.clone().prop_map(Step::Assign),
        4 => (job.clone(), any::<bool>()).prop_map(|(job, well)| Step::End(job, well)),
        1 => job.prop_map(Step::Terminate),
        2 => (0_u8..=100, any::<bool>()).prop_map(|(load, roomy)| Step::Load(load, roomy)),
        1 => Just(Step::Cut),
        4 => Just(Step::Connect),
        4 => (0_u16..12_000).prop_map(Step::Pass),
        1 => Just(Step::Drain),
    ]
}

/// What the played server and the jobs know.
#[derive(Default)]
struct World {
    /// Offers of this connection without an answer, and when they were made.
    open: BTreeMap<String, Duration>,
    running: BTreeSet<String>,
    finals: BTreeMap<String, usize>,
    started: BTreeMap<String, usize>,
    finished: bool,
}

impl World {
    fn look(&mut self, outputs: Vec<Output>, now: Duration) -> Result<(), TestCaseError> {
        for output in outputs {
            prop_assert!(!self.finished, "nothing comes after the end: {output:?}");
            match output {
                Output::Send(ToServer::Availability(answer)) => {
                    // A job that runs already is declined without having been open.
                    if let Some(since) = self.open.remove(&answer.job_id) {
                        prop_assert!(now - since <= 8 * SECOND, "an answer after {:?}", now - since);
                    } else {
                        prop_assert!(!answer.available, "a second yes for {}", answer.job_id);
                    }
                }
                Output::Start(assignment) => {
                    let id = assignment.job.unwrap().id;
                    prop_assert!(self.running.insert(id.clone()), "{id} is started twice");
                    *self.started.entry(id).or_default() += 1;
                }
                Output::Release { job } => {
                    prop_assert!(self.running.remove(&job), "{job} is released, but does not run");
                    *self.finals.entry(job).or_default() += 1;
                }
                Output::Reconnecting { .. } | Output::Close => self.open.clear(),
                Output::Finish(_) => self.finished = true,
                _ => {}
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_history_overruns_the_limit_or_leaves_a_job_without_an_end(
        steps in proptest::collection::vec(step(), 1..120),
        limit in 1_usize..6,
    ) {
        let mut rig = Rig::online(Limits { jobs: Some(limit), load: Some(0.7), ..limits() });
        let mut world = World::default();
        for step in steps {
            let id = |job: u8| format!("job{job}");
            match step {
                Step::Offer(job) => {
                    let fresh = !rig.protocol.jobs.contains_key(&id(job));
                    if rig.protocol.is_online() && fresh {
                        world.open.insert(id(job), rig.now);
                    }
                    rig.offer(&id(job));
                }
                Step::Accept(job) => rig.accept(&id(job)),
                Step::Decline(job) => rig.give(Input::Answered { job: id(job), accept: None }),
                Step::Assign(job) => rig.assign(&id(job)),
                Step::End(job, well) if world.running.contains(&id(job)) => {
                    let outcome = if well { Ok(()) } else { Err("failed".to_owned()) };
                    rig.give(Input::Ended { job: id(job), outcome });
                }
                Step::End(..) => {}
                Step::Terminate(job) => {
                    let termination = proto::JobTermination { job_id: id(job) };
                    rig.give(Input::Server(FromServer::Termination(termination)));
                }
                Step::Load(load, roomy) => rig.give(Input::Sampled { load: f32::from(load) / 100.0, roomy }),
                Step::Cut => rig.give(Input::Lost { reason: "cut".into(), refused: false }),
                Step::Connect => rig.come_online(),
                Step::Pass(ms) => {
                    // Step by step, so that the world sees when things came.
                    let end = rig.now + Duration::from_millis(ms.into());
                    while let Some(at) = rig.protocol.next_timeout().filter(|at| *at <= end) {
                        rig.now = rig.now.max(at);
                        rig.give(Input::Timeout);
                        world.look(rig.take(), rig.now)?;
                    }
                    rig.now = end;
                    rig.give(Input::Timeout);
                }
                Step::Drain => rig.give(Input::Drain),
            }
            world.look(rig.take(), rig.now)?;
            prop_assert!(rig.protocol.jobs.len() <= limit);
            prop_assert_eq!(rig.protocol.running(), world.running.len());
            for (job, since) in &world.open {
                prop_assert!(rig.now - *since <= 8 * SECOND, "{} has no answer", job);
            }
        }
        // Draining ends in bounded time, whatever was before, and every job has had its end.
        rig.give(Input::Drain);
        world.look(rig.take(), rig.now)?;
        let last = rig.now + 600 * SECOND;
        while !world.finished {
            let at = rig.protocol.next_timeout();
            prop_assert!(at.is_some_and(|at| at <= last), "nothing is due any more: {:?}", rig.protocol);
            rig.now = rig.now.max(at.unwrap_or_default());
            rig.give(Input::Timeout);
            world.look(rig.take(), rig.now)?;
        }
        prop_assert!(world.running.is_empty());
        prop_assert_eq!(world.started, world.finals);
    }
}
