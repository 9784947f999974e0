//! The picture of a room: who is there, with which tracks.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use duologue_room::engine::{Participant, RoomInfo, Track};
use tokio::sync::watch;

use crate::local_audio::Local;

/// Changed by the room's task only; read by everybody.
#[derive(Debug)]
pub(crate) struct State {
    pub info: RoomInfo,
    pub local: Participant,
    /// In the order of joining.
    pub others: Vec<Participant>,
    pub published: Vec<Weak<Local>>,
    /// By the sids of subscribed remote tracks; whoever listens is told by the end of the channel that the track is over.
    heard: HashMap<String, watch::Sender<()>>,
}

impl State {
    pub(crate) fn new(info: RoomInfo, local: Participant, others: Vec<Participant>) -> Self {
        Self { info, local, others, published: Vec::new(), heard: HashMap::new() }
    }

    pub(crate) fn participant(&mut self, identity: &str) -> Option<&mut Participant> {
        if self.local.identity == identity {
            return Some(&mut self.local);
        }
        self.others.iter_mut().find(|p| p.identity == identity)
    }

    pub(crate) fn track(&mut self, sid: &str) -> Option<&mut Track> {
        let everybody = self.others.iter_mut().chain([&mut self.local]);
        everybody.flat_map(|p| &mut p.tracks).find(|track| track.sid == sid)
    }

    pub(crate) fn join(&mut self, participant: Participant) {
        self.forget(&participant.identity);
        self.others.push(participant);
    }

    /// Takes a participant out, with all its tracks.
    pub(crate) fn forget(&mut self, identity: &str) {
        let Some(at) = self.others.iter().position(|p| p.identity == identity) else { return };
        for track in self.others.remove(at).tracks {
            self.heard.remove(&track.sid);
        }
    }

    pub(crate) fn publish(&mut self, identity: &str, track: Track) {
        if let Some(participant) = self.participant(identity) {
            participant.tracks.retain(|t| t.sid != track.sid);
            participant.tracks.push(track);
        }
    }

    pub(crate) fn unpublish(&mut self, identity: &str, sid: &str) {
        self.heard.remove(sid);
        if let Some(participant) = self.participant(identity) {
            participant.tracks.retain(|track| track.sid != sid);
        }
    }

    /// Notes that a track is received; returns it as it is now known.
    pub(crate) fn subscribe(&mut self, identity: &str, track: Track) -> Track {
        let (over, _) = watch::channel(());
        self.heard.insert(track.sid.clone(), over);
        if let Some(known) = self.track(&track.sid) {
            known.subscribed = true;
            return known.clone();
        }
        let track = Track { subscribed: true, ..track };
        self.publish(identity, track.clone());
        track
    }

    pub(crate) fn unsubscribe(&mut self, sid: &str) {
        self.heard.remove(sid);
        if let Some(track) = self.track(sid) {
            track.subscribed = false;
        }
    }

    /// What ends with the subscribed remote track `sid`.
    pub(crate) fn over(&self, sid: &str) -> Option<watch::Receiver<()>> {
        self.heard.get(sid).map(watch::Sender::subscribe)
    }

    /// The local track that was published as `sid`.
    pub(crate) fn own_track(&self, sid: &str) -> Option<Arc<Local>> {
        self.published.iter().filter_map(Weak::upgrade).find(|local| local.sid() == sid)
    }

    /// Notes a local track that was published.
    pub(crate) fn published(&mut self, local: &Arc<Local>, track: Track) {
        self.published.retain(|known| known.strong_count() > 0);
        self.published.push(Arc::downgrade(local));
        self.local.tracks.retain(|known| known.sid != track.sid);
        self.local.tracks.push(track);
    }

    pub(crate) fn clear(&mut self) {
        self.heard.clear();
        self.published.clear();
    }
}
