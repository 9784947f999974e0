//! The connection in simulated time: what is tried again, how often, and for how long.

use super::tests::{Rig, SECOND, finished, limits};
use super::*;

#[test]
fn a_silent_server_is_not_waited_for() {
    let mut rig = Rig::online(limits());
    rig.pass(31 * SECOND);
    assert!(rig.outputs.iter().any(|output| matches!(output, Output::Send(ToServer::Ping(_)))));
    assert!(rig.outputs.iter().any(|output| matches!(output, Output::Reconnecting { .. })));
}

#[test]
fn a_living_server_is_not_taken_for_dead() {
    let mut rig = Rig::online(limits());
    rig.pass_alive(300 * SECOND);
    assert!(rig.protocol.is_online());
}

#[test]
fn tries_do_not_hammer_and_do_not_go_on_forever() {
    let mut rig = Rig::new(limits());
    let mut waits = Vec::new();
    while finished(&rig.outputs).is_none() {
        rig.give(Input::Lost { reason: "refused".into(), refused: false });
        for output in rig.take() {
            match output {
                Output::Reconnecting { wait, .. } => waits.push(wait.as_secs()),
                Output::Finish(result) => {
                    assert!(result.as_ref().unwrap_err().to_string().contains("17 tries"), "{result:?}");
                    assert_eq!(waits, [0, 2, 4, 6, 8, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
                    return;
                }
                _ => {}
            }
        }
        rig.pass(10 * SECOND);
    }
}

#[test]
fn a_wrong_secret_is_not_tried_again() {
    let mut rig = Rig::new(limits());
    rig.give(Input::Lost { reason: "401".into(), refused: true });
    let error = finished(&rig.outputs).unwrap().as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[test]
fn a_server_that_starts_again_may_refuse_for_a_while() {
    let mut rig = Rig::online(limits());
    rig.give(Input::Lost { reason: "401".into(), refused: true });
    assert!(finished(&rig.outputs).is_none());
}

/// How often the worker opens a connection to a server that takes it in and drops it after `online`, until it gives up or `end`.
fn openings(online: Duration, end: Duration) -> (usize, bool) {
    let mut rig = Rig::new(limits());
    let mut opened = 1;
    while rig.now < end {
        rig.come_online();
        rig.pass_alive(online);
        rig.take();
        rig.give(Input::Lost { reason: "dropped".into(), refused: false });
        if finished(&rig.outputs).is_some() {
            return (opened, true);
        }
        while !rig.outputs.iter().any(|output| matches!(output, Output::Open)) {
            rig.pass(SECOND);
        }
        opened += 1;
    }
    (opened, false)
}

#[test]
fn a_server_that_drops_workers_at_once_is_not_hammered() {
    let (opened, gave_up) = openings(Duration::ZERO, 600 * SECOND);
    assert!(gave_up && opened <= 17, "{opened} connections");
    let (opened, gave_up) = openings(2 * SECOND, 600 * SECOND);
    assert!(gave_up && opened <= 17, "{opened} connections of two seconds");
}

#[test]
fn a_worker_that_was_online_for_a_while_does_not_give_up_for_earlier_losses() {
    let (opened, gave_up) = openings(12 * SECOND, 600 * SECOND);
    assert!(!gave_up && opened > 40, "{opened} connections");
}

#[test]
fn a_server_that_sends_rubbish_before_it_registers_us_is_not_hammered() {
    let mut rig = Rig::new(limits());
    let mut tries = 0;
    while finished(&rig.outputs).is_none() {
        tries += 1;
        rig.give(Input::Opened);
        rig.give(Input::Lost { reason: "the server sends what is no message".into(), refused: false });
        let before = rig.now;
        rig.pass(10 * SECOND);
        assert!(rig.now > before && tries <= 17);
    }
    assert!(tries >= 16, "{tries} tries");
}
