//! Whom the agent listens to: the participant link. No room, no clock.
//!
//! One participant at a time is linked: the one that was chosen by identity, or the first that is a
//! person (kind standard, SIP or connector). Its microphone track is what the agent hears. When it leaves
//! by its own will, or was removed for good, the session is over; when it is merely lost, it may come
//! back, or the next person in the room is linked.
//!
//! Invariant: at most one participant is linked and one track listened to; a track is listened to only
//! while its participant is linked; after [`LinkOutput::Close`] nothing follows.
//!
//! ```
//! use duologue_room::engine::ParticipantKind;
//! use duologue_room::link::{Link, LinkConfig, LinkInput, LinkOutput, Person, Track};
//!
//! let mut link = Link::new(LinkConfig::default());
//! let ada = Person { identity: "ada".into(), name: "Ada".into(), kind: ParticipantKind::Standard };
//! let outputs = link.handle(LinkInput::Joined(ada));
//! assert_eq!(outputs, [LinkOutput::Linked("ada".into())]);
//! let track = Track { sid: "TR_1".into(), is_microphone: true };
//! let outputs = link.handle(LinkInput::Track { identity: "ada".into(), track });
//! assert_eq!(outputs, [LinkOutput::Listen { identity: "ada".into(), sid: "TR_1".into() }]);
//! ```

use crate::engine::{DisconnectReason, ParticipantKind};

/// A participant, as far as the link is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Unique in the room.
    pub identity: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub kind: ParticipantKind,
}

/// An audio track that can be listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its id.
    pub sid: String,
    /// Published as a microphone; another audio track is listened to only while there is none.
    pub is_microphone: bool,
}

/// Whom to link, and when the session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// Only this participant; otherwise the first of `kinds`.
    pub identity: Option<String>,
    /// Who may be linked without being chosen.
    pub kinds: Vec<ParticipantKind>,
    /// Whether the session is over when the linked participant has left for one of `close_on`.
    pub close_on_leave: bool,
    /// Reasons after which it does not come back.
    pub close_on: Vec<DisconnectReason>,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            identity: None,
            kinds: vec![ParticipantKind::Standard, ParticipantKind::Sip, ParticipantKind::Connector],
            close_on_leave: true,
            close_on: vec![
                DisconnectReason::ClientInitiated,
                DisconnectReason::RoomDeleted,
                DisconnectReason::UserRejected,
            ],
        }
    }
}

/// What happened in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkInput {
    /// Somebody is in the room.
    Joined(Person),
    /// Somebody has left it.
    Left {
        /// Who.
        identity: String,
        /// Why.
        reason: DisconnectReason,
    },
    /// An audio track can be listened to.
    Track {
        /// Whose.
        identity: String,
        /// Which.
        track: Track,
    },
    /// It cannot any more.
    TrackGone {
        /// Which.
        sid: String,
    },
    /// Link this one from now on; `None`: the first who may be.
    Choose(Option<String>),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutput {
    /// This participant is the one.
    Linked(String),
    /// Nobody is any more, or another will be.
    Unlinked(String),
    /// Its track is what the agent hears.
    Listen {
        /// Whose.
        identity: String,
        /// Which.
        sid: String,
    },
    /// The agent hears nothing.
    StopListening,
    /// The session is over.
    Close(DisconnectReason),
}

struct Present {
    person: Person,
    tracks: Vec<Track>,
}

/// See the [module](self).
pub struct Link {
    config: LinkConfig,
    /// In the order in which they came.
    present: Vec<Present>,
    linked: Option<String>,
    listening: Option<String>,
    closed: bool,
}

impl Link {
    /// Nobody is in the room.
    pub fn new(config: LinkConfig) -> Self {
        Self { config, present: Vec::new(), linked: None, listening: None, closed: false }
    }

    /// Who is linked.
    pub fn linked(&self) -> Option<&Person> {
        let linked = self.linked.as_deref()?;
        self.present.iter().map(|present| &present.person).find(|person| person.identity == linked)
    }

    /// Takes in what happened; tells what to do, in order.
    pub fn handle(&mut self, input: LinkInput) -> Vec<LinkOutput> {
        let mut out = Vec::new();
        if self.closed {
            return out;
        }
        match input {
            LinkInput::Joined(person) => self.joined(person),
            LinkInput::Left { identity, reason } => self.left(&identity, reason, &mut out),
            LinkInput::Track { identity, track } => self.track(&identity, track),
            LinkInput::TrackGone { sid } => {
                for present in &mut self.present {
                    present.tracks.retain(|track| track.sid != sid);
                }
            }
            LinkInput::Choose(identity) => {
                self.config.identity = identity;
                if self.linked().is_some_and(|person| !self.may_link(person)) {
                    self.unlink(&mut out);
                }
            }
        }
        self.settle(&mut out);
        out
    }

    fn joined(&mut self, person: Person) {
        match self.find(&person.identity) {
            // Told of again after a reconnect.
            Some(present) => present.person = person,
            None => self.present.push(Present { person, tracks: Vec::new() }),
        }
    }

    fn left(&mut self, identity: &str, reason: DisconnectReason, out: &mut Vec<LinkOutput>) {
        self.present.retain(|present| present.person.identity != identity);
        if self.linked.as_deref() != Some(identity) {
            return;
        }
        self.unlink(out);
        if self.config.close_on_leave && self.config.close_on.contains(&reason) {
            self.closed = true;
            out.push(LinkOutput::Close(reason));
        }
    }

    fn track(&mut self, identity: &str, track: Track) {
        let Some(present) = self.find(identity) else { return };
        match present.tracks.iter_mut().find(|known| known.sid == track.sid) {
            // Told of again: it keeps its place.
            Some(known) => *known = track,
            None => present.tracks.push(track),
        }
    }

    fn unlink(&mut self, out: &mut Vec<LinkOutput>) {
        if self.listening.take().is_some() {
            out.push(LinkOutput::StopListening);
        }
        out.extend(self.linked.take().map(LinkOutput::Unlinked));
    }

    /// Links who may be linked, and listens to what can be listened to.
    fn settle(&mut self, out: &mut Vec<LinkOutput>) {
        if self.closed {
            return;
        }
        if self.linked.is_none() {
            let first =
                self.present.iter().map(|present| &present.person).find(|person| self.may_link(person));
            self.linked = first.map(|person| person.identity.clone());
            out.extend(self.linked.clone().map(LinkOutput::Linked));
        }
        let Some(identity) = self.linked.clone() else { return };
        let tracks = self.find(&identity).map_or(&[][..], |present| &present.tracks);
        let best = best(tracks).map(|track| track.sid.clone());
        if best == self.listening {
            return;
        }
        self.listening.clone_from(&best);
        out.push(match best {
            Some(sid) => LinkOutput::Listen { identity, sid },
            None => LinkOutput::StopListening,
        });
    }

    /// The people who are not linked, each with the track that would be listened to; who has none is left
    /// out.
    pub fn others(&self) -> impl Iterator<Item = (&Person, &Track)> {
        let others = self.present.iter().filter(|present| {
            self.is_person(&present.person) && self.linked.as_deref() != Some(&present.person.identity)
        });
        others.filter_map(|present| Some((&present.person, best(&present.tracks)?)))
    }

    /// Whether `person` is of a kind that may be linked, chosen or not.
    pub fn is_person(&self, person: &Person) -> bool {
        self.config.kinds.contains(&person.kind)
    }

    /// Whether `person` may be linked.
    pub fn may_link(&self, person: &Person) -> bool {
        match &self.config.identity {
            Some(chosen) => *chosen == person.identity,
            None => self.is_person(person),
        }
    }

    fn find(&mut self, identity: &str) -> Option<&mut Present> {
        self.present.iter_mut().find(|present| present.person.identity == identity)
    }
}

/// The latest microphone, or else the latest track: one that was published again has replaced the one
/// before.
fn best(tracks: &[Track]) -> Option<&Track> {
    tracks.iter().rev().find(|track| track.is_microphone).or(tracks.last())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(identity: &str, kind: ParticipantKind) -> LinkInput {
        LinkInput::Joined(Person { identity: identity.into(), name: String::new(), kind })
    }

    fn left(identity: &str, reason: DisconnectReason) -> LinkInput {
        LinkInput::Left { identity: identity.into(), reason }
    }

    fn track(identity: &str, sid: &str, is_microphone: bool) -> LinkInput {
        LinkInput::Track { identity: identity.into(), track: Track { sid: sid.into(), is_microphone } }
    }

    fn gone(sid: &str) -> LinkInput {
        LinkInput::TrackGone { sid: sid.into() }
    }

    fn listen(identity: &str, sid: &str) -> LinkOutput {
        LinkOutput::Listen { identity: identity.into(), sid: sid.into() }
    }

    fn run(link: &mut Link, inputs: impl IntoIterator<Item = LinkInput>) -> Vec<LinkOutput> {
        inputs.into_iter().flat_map(|input| link.handle(input)).collect()
    }

    #[test]
    fn another_agent_or_a_recorder_is_not_listened_to() {
        let mut link = Link::new(LinkConfig::default());
        let inputs = [
            joined("agent", ParticipantKind::Agent),
            track("agent", "TR_A", true),
            joined("recorder", ParticipantKind::Egress),
            joined("phone", ParticipantKind::Sip),
            track("phone", "TR_P", true),
        ];
        assert_eq!(run(&mut link, inputs), [LinkOutput::Linked("phone".into()), listen("phone", "TR_P")]);
    }

    #[test]
    fn a_second_participant_does_not_take_the_agent_away() {
        let mut link = Link::new(LinkConfig::default());
        run(&mut link, [joined("ada", ParticipantKind::Standard), track("ada", "TR_1", true)]);
        let more = [joined("bob", ParticipantKind::Standard), track("bob", "TR_2", true)];
        assert!(run(&mut link, more).is_empty());
        let outputs = run(&mut link, [LinkInput::Choose(Some("bob".into()))]);
        assert_eq!(
            outputs,
            [
                LinkOutput::StopListening,
                LinkOutput::Unlinked("ada".into()),
                LinkOutput::Linked("bob".into()),
                listen("bob", "TR_2")
            ]
        );
    }

    #[test]
    fn only_the_chosen_participant_is_linked() {
        let config = LinkConfig { identity: Some("bob".into()), ..LinkConfig::default() };
        let mut link = Link::new(config);
        assert!(run(&mut link, [joined("ada", ParticipantKind::Standard)]).is_empty());
        let outputs = run(&mut link, [joined("bob", ParticipantKind::Other)]);
        assert_eq!(outputs, [LinkOutput::Linked("bob".into())]);
    }

    #[test]
    fn a_track_that_is_published_again_is_heard() {
        let mut link = Link::new(LinkConfig::default());
        run(&mut link, [joined("ada", ParticipantKind::Standard), track("ada", "TR_1", true)]);
        assert_eq!(run(&mut link, [gone("TR_1")]), [LinkOutput::StopListening]);
        assert_eq!(run(&mut link, [track("ada", "TR_2", true)]), [listen("ada", "TR_2")]);
        // The new one may be known before the old one is gone.
        assert_eq!(run(&mut link, [track("ada", "TR_3", true)]), [listen("ada", "TR_3")]);
        assert!(run(&mut link, [gone("TR_2")]).is_empty());
    }

    #[test]
    fn shared_sound_is_not_preferred_to_the_microphone() {
        let mut link = Link::new(LinkConfig::default());
        run(&mut link, [joined("ada", ParticipantKind::Standard)]);
        assert_eq!(run(&mut link, [track("ada", "TR_S", false)]), [listen("ada", "TR_S")]);
        assert_eq!(run(&mut link, [track("ada", "TR_M", true)]), [listen("ada", "TR_M")]);
        assert!(run(&mut link, [track("ada", "TR_T", false)]).is_empty());
    }

    #[test]
    fn a_lost_participant_may_come_back_and_one_who_left_ends_the_session() {
        let mut link = Link::new(LinkConfig::default());
        run(&mut link, [joined("ada", ParticipantKind::Standard), track("ada", "TR_1", true)]);
        let lost = run(&mut link, [left("ada", DisconnectReason::SignalClose)]);
        assert_eq!(lost, [LinkOutput::StopListening, LinkOutput::Unlinked("ada".into())]);
        assert_eq!(
            run(&mut link, [joined("ada", ParticipantKind::Standard)]),
            [LinkOutput::Linked("ada".into())]
        );
        let over = run(&mut link, [left("ada", DisconnectReason::ClientInitiated)]);
        assert_eq!(over.last(), Some(&LinkOutput::Close(DisconnectReason::ClientInitiated)));
        assert!(run(&mut link, [joined("ada", ParticipantKind::Standard)]).is_empty(), "nothing follows");
    }

    #[test]
    fn the_next_person_is_linked_when_the_first_is_lost() {
        let mut link = Link::new(LinkConfig::default());
        run(&mut link, [joined("ada", ParticipantKind::Standard), joined("bob", ParticipantKind::Standard)]);
        let outputs = run(&mut link, [left("ada", DisconnectReason::SignalClose)]);
        assert_eq!(outputs, [LinkOutput::Unlinked("ada".into()), LinkOutput::Linked("bob".into())]);
    }

    #[test]
    fn others_are_people_who_are_not_linked() {
        let mut link = Link::new(LinkConfig::default());
        let inputs = [
            joined("ada", ParticipantKind::Standard),
            track("ada", "TR_1", true),
            joined("bob", ParticipantKind::Standard),
            track("bob", "TR_S", false),
            track("bob", "TR_2", true),
            joined("eve", ParticipantKind::Standard),
            joined("agent", ParticipantKind::Agent),
            track("agent", "TR_A", true),
        ];
        run(&mut link, inputs);
        let others = |link: &Link| {
            let others = link.others().map(|(person, track)| (person.identity.clone(), track.sid.clone()));
            others.collect::<Vec<_>>()
        };
        assert_eq!(others(&link), [("bob".into(), "TR_2".into())]);
        run(&mut link, [LinkInput::Choose(Some("bob".into()))]);
        assert_eq!(others(&link), [("ada".into(), "TR_1".into())]);
        run(&mut link, [gone("TR_1")]);
        assert!(others(&link).is_empty());
    }

    #[test]
    fn a_session_that_outlives_its_participants_is_not_closed() {
        let config = LinkConfig { close_on_leave: false, ..LinkConfig::default() };
        let mut link = Link::new(config);
        run(&mut link, [joined("ada", ParticipantKind::Standard)]);
        let outputs = run(&mut link, [left("ada", DisconnectReason::ClientInitiated)]);
        assert_eq!(outputs, [LinkOutput::Unlinked("ada".into())]);
    }

    fn anything() -> impl Strategy<Value = LinkInput> {
        let who = prop::sample::select(vec!["ada", "bob", "agent"]);
        let sid = prop::sample::select(vec!["TR_1", "TR_2", "TR_3"]);
        let reason =
            prop::sample::select(vec![DisconnectReason::SignalClose, DisconnectReason::ClientInitiated]);
        prop_oneof![
            who.clone().prop_map(|who| {
                joined(who, if who == "agent" { ParticipantKind::Agent } else { ParticipantKind::Standard })
            }),
            (who.clone(), reason).prop_map(|(who, reason)| left(who, reason)),
            (who.clone(), sid.clone(), any::<bool>()).prop_map(|(who, sid, mic)| track(who, sid, mic)),
            sid.prop_map(gone),
            prop::option::of(who).prop_map(|who| LinkInput::Choose(who.map(str::to_owned))),
        ]
    }

    proptest! {
        #[test]
        fn nobody_is_listened_to_who_is_not_linked(inputs in prop::collection::vec(anything(), 0..60)) {
            let mut link = Link::new(LinkConfig::default());
            let (mut linked, mut listening, mut closed) = (None, None, false);
            for output in run(&mut link, inputs) {
                prop_assert!(!closed, "nothing follows the end");
                match output {
                    LinkOutput::Linked(who) => {
                        prop_assert_eq!(linked.replace(who), None);
                    }
                    LinkOutput::Unlinked(who) => {
                        prop_assert_eq!(linked.take(), Some(who));
                        prop_assert_eq!(&listening, &None);
                    }
                    LinkOutput::Listen { identity, sid } => {
                        prop_assert_eq!(Some(&identity), linked.as_ref());
                        listening = Some(sid);
                    }
                    LinkOutput::StopListening => {
                        prop_assert!(listening.take().is_some());
                    }
                    LinkOutput::Close(_) => closed = true,
                }
            }
        }
    }
}
