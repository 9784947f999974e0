//! Who is listened to: what follows of the participant link, and the others.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::RoomOver;
use super::super::others::Overheard;
use super::{Host, Somebody, person, somebody};
use crate::endpoint::listen_format;
use crate::engine::{ByteStream, Track, TrackKind, TrackSource};
use crate::link::{self, LinkInput, LinkOutput};
use crate::preconnect;
use crate::publisher::Speaker;

impl<U: Send + Sync + 'static> Host<U> {
    /// A person's voice is subscribed to; pictures and other agents are not.
    pub(super) fn published(&self, identity: &str, track: &Track) {
        let wanted = self.present.get(identity).is_some_and(|participant| {
            let person = person(participant);
            self.link.may_link(&person) || (self.others.is_some() && self.link.is_person(&person))
        });
        if track.kind != TrackKind::Audio || !wanted {
            return;
        }
        let (room, sid) = (Arc::clone(&self.room), track.sid.clone());
        tokio::spawn(async move {
            if let Err(error) = room.set_subscribed(&sid, true).await {
                tracing::warn!("track {sid} cannot be subscribed to: {error}");
            }
        });
    }

    pub(super) fn subscribed(&mut self, identity: String, track: &Track) {
        if track.kind == TrackKind::Audio {
            let is_microphone = track.source == TrackSource::Microphone;
            let track = link::Track { sid: track.sid.clone(), is_microphone };
            self.link(LinkInput::Track { identity, track });
        }
    }

    pub(super) fn link(&mut self, input: LinkInput) {
        let outputs = self.link.handle(input);
        self.settle_others();
        for output in outputs {
            match output {
                LinkOutput::Linked(identity) => tracing::info!("linked with {identity}"),
                LinkOutput::Unlinked(identity) => tracing::info!("no longer linked with {identity}"),
                LinkOutput::Listen { identity, sid } => self.listen(identity, sid),
                LinkOutput::StopListening => {
                    self.speaker = None;
                    self.wishes.fetch_add(1, Ordering::AcqRel);
                    self.control.deafen();
                }
                LinkOutput::Close(reason) => {
                    self.over.get_or_insert(RoomOver::ParticipantLeft(reason));
                    self.hang_up();
                }
            }
        }
    }

    fn listen(&mut self, identity: String, sid: String) {
        let recording = self.recordings.take(&sid, self.started.elapsed());
        let expected = recording.is_none() && self.announces_recording(&identity, &sid);
        self.speaker = Some(Speaker { identity, track: sid.clone() });
        let (room, control, wishes) =
            (Arc::clone(&self.room), self.control.clone(), Arc::clone(&self.wishes));
        let wish = wishes.fetch_add(1, Ordering::AcqRel) + 1;
        tokio::spawn(async move {
            match room.listen(&sid, listen_format()).await {
                Ok(_) if wishes.load(Ordering::Acquire) != wish => {}
                Ok(audio) => {
                    if let Some(sound) = recording
                        && let Err(error) = control.prepend(Some(sound))
                    {
                        tracing::warn!("{error}");
                    }
                    control.listen(audio, expected);
                }
                Err(error) => tracing::warn!("track {sid} cannot be listened to: {error}"),
            }
        });
    }

    /// Whether a recording of what was said before comes with the track.
    fn announces_recording(&self, identity: &str, sid: &str) -> bool {
        let participant = self.room.participants().into_iter().find(|p| p.identity == identity);
        participant.and_then(|p| p.track(sid).cloned()).is_some_and(|track| track.preconnect)
    }

    pub(super) fn recording_came(&mut self, stream: &ByteStream) {
        let attribute = |key: &str| stream.attributes.get(key).map(String::as_str).unwrap_or_default();
        let track = attribute(preconnect::TRACK_ATTRIBUTE).to_owned();
        let rate = attribute(preconnect::RATE_ATTRIBUTE).parse().unwrap_or_default();
        let channels = attribute(preconnect::CHANNELS_ATTRIBUTE).parse().unwrap_or_default();
        // 30 s of Opus take some ten milliseconds.
        let decoded = preconnect::decode(&stream.payload, &stream.mime, rate, channels);
        let sound = decoded.map_err(|error| tracing::warn!("{}: {error}", stream.from)).ok();
        let listening = self.speaker.as_ref().is_some_and(|speaker| speaker.track == track);
        match sound {
            Some(sound) if !listening => self.recordings.put(&track, sound, self.started.elapsed()),
            sound if listening => {
                if let Err(error) = self.control.prepend(sound) {
                    tracing::warn!("{error}");
                }
            }
            _ => {}
        }
    }

    /// The others are listened to as well, if the options want it.
    fn settle_others(&mut self) {
        let Some((others, _)) = &mut self.others else { return };
        let tracks: Vec<Speaker> = self
            .link
            .others()
            .map(|(person, track)| Speaker { identity: person.identity.clone(), track: track.sid.clone() })
            .collect();
        others.settle(&tracks);
    }

    /// One of the others has said something.
    pub(super) fn overheard(&mut self, overheard: Overheard) {
        let Overheard { speaker, text, is_final } = overheard;
        let segments = self.others_segments.entry(speaker.track.clone()).or_default();
        let update = segments.recognised(&text, is_final);
        if is_final {
            self.others_segments.remove(&speaker.track);
        }
        let who = match self.present.get(&speaker.identity) {
            Some(participant) => somebody(participant),
            // They have left since.
            None => Somebody { identity: speaker.identity.clone(), name: String::new() },
        };
        self.session.overheard(&who, &text, is_final);
        if let (Some(transcripts), Some(update)) = (&self.transcripts, update) {
            transcripts.show_user(speaker, update);
        }
    }
}
