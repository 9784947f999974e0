use super::*;
use crate::capture::timeline::TimelineWriter;
use crate::reference::reference_ring;

fn pairing() -> (Pairing, TimelineWriter, ReferenceReader) {
    let (writer, reader) = reference_ring(RATE, 64_000);
    (Pairing::new(RATE).unwrap(), writer, reader)
}

fn ramp(from: usize, n: usize) -> Vec<f32> {
    (from..from + n).map(|i| i as f32).collect()
}

#[test]
fn bursts_do_not_move_the_reference() {
    let (mut pairing, mut writer, mut reader) = pairing();
    let mut block = [0.0; BLOCK];
    let mut rendered = 0;
    // Bursts of 30 ms, read in blocks of 10: after the first second nothing is mended any more.
    for i in 0..600 {
        if i % 3 == 0 {
            writer.push(&ramp(rendered, 3 * BLOCK));
            rendered += 3 * BLOCK;
        }
        pairing.take(&mut reader, BLOCK, &mut block);
        if i == 150 {
            assert!(pairing.stats().realigned <= 2, "{:?}", pairing.stats());
        }
    }
    assert!(pairing.stats().realigned <= 2, "{:?}", pairing.stats());
    let lag = rendered as f32 - block[BLOCK - 1] - 1.0;
    assert!(lag < 1.0, "the newest sample is {lag} samples old");
}

#[test]
fn a_backlog_from_before_the_start_does_not_delay_the_reference() {
    let (mut pairing, mut writer, mut reader) = pairing();
    writer.push(&ramp(0, 16_000));
    let mut block = [0.0; BLOCK];
    pairing.take(&mut reader, BLOCK, &mut block);
    assert_eq!(block[BLOCK - 1], 15_999.0);
}

#[test]
fn a_backlog_of_both_is_not_torn_apart() {
    let (mut pairing, mut writer, mut reader) = pairing();
    writer.push(&ramp(0, 1_600));
    let mut block = [0.0; BLOCK];
    for i in 0..10 {
        pairing.take(&mut reader, 1_600 - i * BLOCK, &mut block);
        assert_eq!(block[0], (i * BLOCK) as f32);
    }
    assert_eq!(pairing.stats(), PairingStats::default());
}

#[test]
fn a_stalled_output_does_not_leave_the_reference_behind() {
    let (mut pairing, mut writer, mut reader) = pairing();
    let mut block = [0.0; BLOCK];
    let mut rendered = 0;
    let mut render = |n: usize| {
        writer.push(&ramp(rendered, n));
        rendered += n;
        rendered as f32
    };
    let mut newest = 0.0;
    for i in 0..400 {
        // The callback of blocks 50 to 60 comes late, all at once: the device played on.
        newest = match i {
            50..60 => newest,
            60 => render(11 * BLOCK),
            _ => render(BLOCK),
        };
        pairing.take(&mut reader, BLOCK, &mut block);
    }
    assert!(
        newest - block[BLOCK - 1] <= 1.0 + GUARD as f32,
        "the reference is {} late",
        newest - block[BLOCK - 1]
    );
    assert!(pairing.stats().realigned >= 2);
}

#[test]
fn clocks_that_differ_do_not_drift_apart() {
    for rate in [0.9995, 1.0005] {
        let (mut pairing, mut writer, mut reader) = pairing();
        let mut block = [0.0; BLOCK];
        let mut rendered = 0;
        for i in 1..6_000 {
            let due = (f64::from(i) * BLOCK as f64 * rate) as usize;
            writer.push(&ramp(rendered, due - rendered));
            rendered = due;
            pairing.take(&mut reader, BLOCK, &mut block);
        }
        let lag = rendered as f32 - 1.0 - block[BLOCK - 1];
        assert!(lag.abs() < 40.0, "at {rate} the reference is {lag} samples late after a minute");
        assert_eq!(pairing.stats().realigned, 0, "no jump above a millisecond");
    }
}
