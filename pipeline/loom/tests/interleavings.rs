//! Models of the lock-free parts, in every order of their atomic operations that the memory model
//! allows. `cargo xtask ci loom` runs them.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

#[allow(dead_code, reason = "the models use a part of each file")]
#[path = "../../src/playback/status.rs"]
mod status;
#[allow(dead_code, reason = "the models use a part of each file")]
#[path = "../../src/playback/word.rs"]
mod word;

use status::Report;
use word::ControlWord;

#[test]
fn a_report_is_not_torn() {
    loom::model(|| {
        let report = Arc::new(Report::<2>::new());
        let writer = {
            let report = Arc::clone(&report);
            thread::spawn(move || {
                for n in 1..=3 {
                    report.publish([n, n * 10]);
                }
            })
        };
        let mut last = 0;
        for _ in 0..2 {
            let [n, tenfold] = report.read();
            assert_eq!(tenfold, n * 10, "two reports are mixed");
            assert!(n >= last, "a report goes back in time");
            last = n;
        }
        writer.join().unwrap();
        assert_eq!(report.read(), [3, 30], "the last report is not lost");
    });
}

#[test]
fn two_readers_do_not_disturb_each_other() {
    // Three threads have too many orders to try all; two preemptions show every known kind of race.
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(2);
    bounded.check(|| {
        let report = Arc::new(Report::<2>::new());
        let reader = || {
            let report = Arc::clone(&report);
            thread::spawn(move || {
                let [n, tenfold] = report.read();
                assert_eq!(tenfold, n * 10);
            })
        };
        let readers = [reader(), reader()];
        report.publish([1, 10]);
        report.publish([2, 20]);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn an_epoch_does_not_go_back() {
    loom::model(|| {
        let word = Arc::new(ControlWord::new());
        let threads: Vec<_> = [2, 1]
            .into_iter()
            .map(|epoch| {
                let word = Arc::clone(&word);
                thread::spawn(move || word.begin(epoch))
            })
            .collect();
        let before = word.load().epoch;
        assert!(word.load().epoch >= before);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(word.load().epoch, 2);
    });
}

#[test]
fn a_stop_is_not_lost_to_another_order() {
    loom::model(|| {
        let word = Arc::new(ControlWord::new());
        word.begin(1);
        let other = {
            let word = Arc::clone(&word);
            thread::spawn(move || {
                word.duck();
                word.hold();
                word.resume();
                word.restore();
            })
        };
        word.stop();
        other.join().unwrap();
        let order = word.load();
        assert!(order.stop && !order.hold && !order.duck && order.epoch == 1);
    });
}

#[test]
fn a_new_turn_is_not_born_stopped_or_held_by_what_came_before() {
    loom::model(|| {
        let word = Arc::new(ControlWord::new());
        word.begin(1);
        word.stop();
        word.hold();
        let seen = {
            let word = Arc::clone(&word);
            thread::spawn(move || {
                let order = word.load();
                assert!(
                    order.epoch == 1 && order.stop && order.hold
                        || order.epoch == 2 && !order.stop && !order.hold
                );
            })
        };
        word.begin(2);
        word.begin(2);
        seen.join().unwrap();
    });
}

/// The order that the rings rely on: samples first, then the mark or gap that speaks of them.
#[test]
fn a_mark_is_not_seen_before_its_samples() {
    loom::model(|| {
        let (samples, marks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let writer = {
            let (samples, marks) = (Arc::clone(&samples), Arc::clone(&marks));
            thread::spawn(move || {
                samples.store(480, Ordering::Release);
                marks.store(1, Ordering::Release);
            })
        };
        if marks.load(Ordering::Acquire) == 1 {
            assert_eq!(samples.load(Ordering::Acquire), 480);
        }
        writer.join().unwrap();
    });
}

/// An order given before a sample was pushed is obeyed by whoever finds the sample: begin, then push.
#[test]
fn samples_of_a_new_turn_are_not_found_before_the_turn() {
    loom::model(|| {
        let word = Arc::new(ControlWord::new());
        let marks = Arc::new(AtomicU64::new(0));
        let mouth = {
            let (word, marks) = (Arc::clone(&word), Arc::clone(&marks));
            thread::spawn(move || {
                word.begin(1);
                marks.store(1, Ordering::Release);
            })
        };
        if marks.load(Ordering::Acquire) == 1 {
            assert_eq!(word.load().epoch, 1);
        }
        mouth.join().unwrap();
    });
}
