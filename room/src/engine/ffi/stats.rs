//! The engine's figures of every stream, summed into those of a session.

use duologue_native::livekit::proto::rtc_stats::Stats as Figure;

use crate::engine::Stats;

/// The figures of a whole session: counts are added, the worst jitter and round trip count.
pub(super) fn sum(figures: impl Iterator<Item = Figure>) -> Stats {
    let mut stats = Stats::default();
    for figure in figures {
        match figure {
            Figure::InboundRtp(inbound) if inbound.stream.kind == "audio" => {
                stats.packets_received += inbound.received.packets_received;
                stats.packets_lost += inbound.received.packets_lost;
                stats.jitter_ms = stats.jitter_ms.max(inbound.received.jitter * 1e3);
                stats.concealed_samples += inbound.inbound.concealed_samples;
                stats.bytes_received += inbound.inbound.bytes_received;
            }
            Figure::OutboundRtp(outbound) if outbound.stream.kind == "audio" => {
                stats.packets_sent += outbound.sent.packets_sent;
                stats.bytes_sent += outbound.sent.bytes_sent;
            }
            Figure::CandidatePair(pair) if pair.candidate_pair.nominated => {
                let round_trip = pair.candidate_pair.current_round_trip_time * 1e3;
                stats.round_trip_ms = stats.round_trip_ms.max(round_trip);
            }
            _ => {}
        }
    }
    stats
}
