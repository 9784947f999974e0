//! The picture of a room: who is there, with which tracks, and the engine's handles of them.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use duologue_native::livekit::{
    Engine, Handle,
    proto::{OwnedParticipant, OwnedTrackPublication, connect_callback},
};

use super::{convert, local_audio::Local};
use crate::engine::{Participant, RoomInfo, Track};

/// Changed by the room's task only; read by everybody.
#[derive(Debug)]
pub(super) struct State {
    pub info: RoomInfo,
    pub local: Participant,
    /// In the order of joining.
    pub others: Vec<Participant>,
    /// By identity: dropping one too early would take the participant out of the engine's hands.
    participants: HashMap<String, Handle>,
    /// Remote ones, by sid.
    publications: HashMap<String, Handle>,
    /// Subscribed remote ones, by sid.
    tracks: HashMap<String, Handle>,
    pub published: Vec<Weak<Local>>,
}

impl State {
    pub(super) fn new(
        engine: &'static Engine,
        info: RoomInfo,
        local: Participant,
        others: Vec<connect_callback::ParticipantWithTracks>,
    ) -> Self {
        let mut state = Self {
            info,
            local,
            others: Vec::new(),
            participants: HashMap::new(),
            publications: HashMap::new(),
            tracks: HashMap::new(),
            published: Vec::new(),
        };
        for other in others {
            let identity = other.participant.info.identity.clone();
            state.join(engine, other.participant);
            for publication in other.publications {
                state.publish(engine, &identity, publication);
            }
        }
        state
    }

    pub(super) fn participant(&mut self, identity: &str) -> Option<&mut Participant> {
        if self.local.identity == identity {
            return Some(&mut self.local);
        }
        self.others.iter_mut().find(|p| p.identity == identity)
    }

    pub(super) fn track(&mut self, sid: &str) -> Option<&mut Track> {
        let everybody = self.others.iter_mut().chain([&mut self.local]);
        everybody.flat_map(|p| &mut p.tracks).find(|track| track.sid == sid)
    }

    pub(super) fn join(&mut self, engine: &'static Engine, owned: OwnedParticipant) -> Participant {
        let participant = convert::participant(owned.info, Vec::new());
        self.forget(&participant.identity);
        self.participants.insert(participant.identity.clone(), engine.adopt(owned.handle.id));
        self.others.push(participant.clone());
        participant
    }

    /// Takes a participant out, with all its tracks.
    pub(super) fn forget(&mut self, identity: &str) {
        let Some(at) = self.others.iter().position(|p| p.identity == identity) else { return };
        for track in self.others.remove(at).tracks {
            self.tracks.remove(&track.sid);
            self.publications.remove(&track.sid);
        }
        self.participants.remove(identity);
    }

    pub(super) fn publish(
        &mut self,
        engine: &'static Engine,
        identity: &str,
        owned: OwnedTrackPublication,
    ) -> Track {
        let track = convert::track(&owned.info);
        self.publications.insert(track.sid.clone(), engine.adopt(owned.handle.id));
        if let Some(participant) = self.participant(identity) {
            participant.tracks.retain(|t| t.sid != track.sid);
            participant.tracks.push(track.clone());
        }
        track
    }

    pub(super) fn unpublish(&mut self, identity: &str, sid: &str) {
        self.publications.remove(sid);
        self.tracks.remove(sid);
        if let Some(participant) = self.participant(identity) {
            participant.tracks.retain(|track| track.sid != sid);
        }
    }

    /// Notes that a track is received; `bare` is all that is known of it if its publication is not.
    pub(super) fn subscribe(&mut self, identity: &str, handle: Handle, bare: Track) -> Track {
        self.tracks.insert(bare.sid.clone(), handle);
        if let Some(track) = self.track(&bare.sid) {
            track.subscribed = true;
            return track.clone();
        }
        if let Some(participant) = self.participant(identity) {
            participant.tracks.push(bare.clone());
        }
        bare
    }

    pub(super) fn unsubscribe(&mut self, sid: &str) {
        self.tracks.remove(sid);
        if let Some(track) = self.track(sid) {
            track.subscribed = false;
        }
    }

    /// The handle's number of a remote publication.
    pub(super) fn publication(&self, sid: &str) -> Option<u64> {
        self.publications.get(sid).map(Handle::id)
    }

    /// The handle's number of a subscribed remote track.
    pub(super) fn subscribed(&self, sid: &str) -> Option<u64> {
        self.tracks.get(sid).map(Handle::id)
    }

    /// The local track that was published as `sid`.
    pub(super) fn own_track(&self, sid: &str) -> Option<Arc<Local>> {
        self.published.iter().filter_map(Weak::upgrade).find(|local| local.sid() == sid)
    }

    /// Lets go of everything in the engine.
    pub(super) fn clear(&mut self) {
        self.tracks.clear();
        self.publications.clear();
        self.participants.clear();
        self.published.clear();
    }
}
