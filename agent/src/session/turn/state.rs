//! Where one agent turn stands: a plain machine, inputs in, outputs out. It has no lock, no clock, no
//! task and no pipeline; [`super::driver`] owns it and carries its outputs out.
//!
//! Four things about a turn change independently:
//!
//! ```text
//! certainty   Speculative ──Committed──▶ Certain        effects   waiting ──Clear──▶ allowed
//!                  └──Stopped, Stop────▶ TakenBack                   └──taken back──▶ never
//!
//! floor       Unopened ──first word──▶ Open ──Release, Lend──▶ Lent ──next word──▶ Open …
//!                 └──────────Finish, Fail──────┴───────────────────┴─────────────▶ Ended
//!
//! words       Write ──▶ held ──Clear──▶ waiting ──Put──▶ Taken: said
//!                                          │  ▲            Full:  blocked until Room
//!                                          │  └──Open──▶ Opened
//!                                          └──turn stopped or ended──▶ Refuse
//! ```
//!
//! The floor is who speaks: a turn that lends it (a tool lets another agent talk to the user) completes
//! its text and opens a speech of its own with its next word. Until then no interruption concerns it.
//!
//! Invariants:
//! - words go out in the order in which they came, and each is put once or refused, never both;
//! - nothing is put before it is open, while it is blocked, or after it was stopped or has ended;
//! - effects are allowed at most once, and never for a turn that was taken back;
//! - the floor is lent to one borrower at a time, after effects are allowed and while no step writes;
//! - the turn's speech ends exactly once, after the turn's last word was heard or given up.

use std::collections::VecDeque;

use crate::session::SpeechOutcome;

/// What a turn is asked to say. `tag` is the caller's and comes back with the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words<T> {
    pub text: String,
    /// They begin a message of their own.
    pub begins: bool,
    pub tag: T,
}

/// What the turn's words go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SinkKind {
    /// The pipeline's reply to a user turn, which may be taken back.
    Reply,
    /// A speech of the agent's own accord.
    Speech,
    /// No audio: text counts as heard once it is complete.
    Text,
}

/// How much of a speech was heard, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub text: String,
    pub outcome: SpeechOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input<T> {
    /// The pipeline says that the user's turn is certain.
    Committed,
    /// The pipeline says that nobody listens to the reply any more.
    ReplyStopped,
    /// The turn is to stop: the session is interrupted or ends.
    Stop,
    /// Words are kept until [`Input::Clear`].
    Hold,
    /// Effects may happen; what was held is said, or forgotten.
    Clear {
        keep: bool,
    },
    Write(Words<T>),
    /// For frontends to see, once effects may happen.
    Show(String),
    /// Answers [`Output::Open`]; `None` if nothing can be opened.
    Opened(Option<SinkKind>),
    /// Answers [`Output::Put`]: the words are on their way.
    Taken,
    /// Answers [`Output::Put`]: there is no room for these words.
    Full(Words<T>),
    /// Answers [`Output::Put`]: nobody takes these words any more.
    Refused(Words<T>),
    /// There is room again.
    Room,
    /// A model begins to write, and has written.
    StepBegins,
    StepEnds,
    /// Somebody wants the floor, and gives it back.
    Lend,
    Returned,
    /// The floor is given away without being asked for.
    Release,
    /// The text is complete, unless it is held.
    Complete,
    Finish,
    /// The answer ends for this reason.
    Fail(String),
    /// The speech that was opened last is over.
    SpeechOver(Heard),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output<T> {
    /// Begin a speech; the answer is [`Input::Opened`].
    Open,
    /// Say these words, after a space if `space`; the answer is Taken, Full or Refused.
    Put {
        space: bool,
        words: Words<T>,
    },
    /// Nobody hears these words.
    Refuse(Words<T>),
    /// The text of what is open is complete. A text's end is told by [`Input::SpeechOver`] at once.
    Close,
    /// What is open, a reply, has failed.
    Fail(String),
    /// Let effects happen.
    AllowEffects,
    /// Effects never happen.
    ForbidEffects,
    Show(String),
    /// The floor is the next borrower's.
    Grant,
    /// The next borrower does not get the floor.
    Deny,
    /// The whole turn is over, heard like this; `None`: nothing of it was ever said.
    End(Option<Heard>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Speculative,
    Certain,
    TakenBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Unopened,
    Open(SinkKind),
    Lent,
    Ended,
}

/// What of a turn everybody may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The user may still go on.
    pub speculative: bool,
    /// It is or was the user's turn.
    pub certain: bool,
    /// Nobody listens any more.
    pub stopped: bool,
    /// Effects may happen.
    pub cleared: bool,
    /// Somebody else has the floor.
    pub lent: bool,
    /// How often the floor was given away.
    pub lendings: u64,
    /// It has said something since it last had the floor.
    pub spoken: bool,
    pub ended: bool,
}

/// See the [module](self). `T` is what callers attach to words.
pub(super) struct State<T> {
    certainty: Certainty,
    stopped: bool,
    cleared: bool,
    floor: Floor,
    lendings: u64,
    held: Option<Vec<Words<T>>>,
    waiting: VecDeque<Words<T>>,
    /// An open or a put has no answer yet.
    asked: bool,
    /// The last put found no room.
    blocked: bool,
    /// The text so far ends in a space, or there is none.
    spaced: bool,
    /// Whether the words that are put end in a space.
    puts_space: bool,
    spoken: bool,
    unseen: Vec<String>,
    steps: usize,
    borrowers: usize,
    borrowed: bool,
    /// A speech was opened whose end is not known yet.
    playing: bool,
    /// How the latest speech ended.
    heard: Option<Heard>,
    /// [`Output::End`] was given.
    over: bool,
    outputs: VecDeque<Output<T>>,
}

impl<T> State<T> {
    /// The answer to a user turn, which is `certain` or may be taken back.
    pub(crate) fn reply(certain: bool) -> Self {
        let certainty = if certain { Certainty::Certain } else { Certainty::Speculative };
        Self::new(certainty, Floor::Open(SinkKind::Reply))
    }

    /// The answer to typed text, without audio.
    pub(crate) fn text() -> Self {
        Self { playing: true, ..Self::new(Certainty::Certain, Floor::Open(SinkKind::Text)) }
    }

    /// A speech of the agent's own accord; `open` if it has its place already, or with its first word.
    pub(crate) fn speech(open: Option<SinkKind>) -> Self {
        let floor = open.map_or(Floor::Unopened, Floor::Open);
        let playing = open.is_some();
        Self { cleared: true, playing, ..Self::new(Certainty::Certain, floor) }
    }

    fn new(certainty: Certainty, floor: Floor) -> Self {
        Self {
            certainty,
            stopped: false,
            cleared: false,
            floor,
            lendings: 0,
            held: None,
            waiting: VecDeque::new(),
            asked: false,
            blocked: false,
            spaced: true,
            puts_space: true,
            spoken: false,
            unseen: Vec::new(),
            steps: 0,
            borrowers: 0,
            borrowed: false,
            playing: false,
            heard: None,
            over: false,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn view(&self) -> View {
        View {
            speculative: !self.stopped && self.certainty == Certainty::Speculative,
            certain: self.certainty == Certainty::Certain,
            stopped: self.stopped,
            cleared: self.cleared,
            lent: self.floor == Floor::Lent,
            lendings: self.lendings,
            spoken: self.spoken || self.held.as_ref().is_some_and(|held| !held.is_empty()),
            ended: self.floor == Floor::Ended,
        }
    }

    /// Whether words are kept for now.
    pub(crate) fn holds(&self) -> bool {
        self.held.is_some() && !self.is_closed()
    }

    /// Whether words wait for room.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether nothing more comes of the turn: its text has ended, and so has what was said of it.
    pub(crate) fn is_over(&self) -> bool {
        self.floor == Floor::Ended && self.over
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output<T>> {
        self.outputs.pop_front()
    }

    pub(crate) fn handle(&mut self, input: Input<T>) {
        match input {
            Input::Committed => self.on_committed(),
            // What was the turn's before it gave the floor away no longer concerns it.
            Input::ReplyStopped if self.lendings == 0 => self.stop(),
            Input::ReplyStopped => {}
            Input::Stop => self.stop(),
            Input::Hold if self.held.is_some() => {}
            Input::Hold => self.held = Some(Vec::new()),
            Input::Clear { keep } => self.on_clear(keep),
            Input::Write(words) => self.on_write(words),
            Input::Show(text) if self.cleared => self.out(Output::Show(text)),
            Input::Show(text) => self.unseen.push(text),
            Input::Opened(sink) => self.on_opened(sink),
            Input::Taken => self.on_taken(),
            Input::Full(words) => self.on_full(words),
            Input::Refused(words) => {
                self.asked = false;
                self.out(Output::Refuse(words));
            }
            Input::Room => self.blocked = false,
            Input::StepBegins => self.steps += 1,
            Input::StepEnds => self.steps = self.steps.saturating_sub(1),
            Input::Lend => self.borrowers += 1,
            Input::Returned => self.borrowed = false,
            Input::Release => self.release(),
            Input::Complete if self.holds() => {}
            Input::Complete | Input::Finish => self.finish(None),
            Input::Fail(reason) => self.finish(Some(reason)),
            Input::SpeechOver(heard) => self.on_speech_over(heard),
        }
        self.put_next();
        self.lend_next();
    }

    fn out(&mut self, output: Output<T>) {
        self.outputs.push_back(output);
    }

    /// It takes no words any more.
    fn is_closed(&self) -> bool {
        self.stopped || self.floor == Floor::Ended
    }

    fn on_committed(&mut self) {
        if self.certainty == Certainty::Speculative && self.lendings == 0 {
            self.certainty = Certainty::Certain;
        }
    }

    fn stop(&mut self) {
        if self.certainty == Certainty::Speculative {
            self.certainty = Certainty::TakenBack;
            self.out(Output::ForbidEffects);
        }
        self.stopped = true;
        self.refuse_waiting();
    }

    fn refuse_waiting(&mut self) {
        self.blocked = false;
        for words in std::mem::take(&mut self.waiting) {
            self.out(Output::Refuse(words));
        }
    }

    fn on_clear(&mut self, keep: bool) {
        if self.certainty == Certainty::Speculative {
            // It may still be taken back; whoever answers waits until it is certain.
            return;
        }
        let held = self.held.take().unwrap_or_default();
        if self.certainty == Certainty::TakenBack {
            held.into_iter().for_each(|words| self.out(Output::Refuse(words)));
            return;
        }
        for words in held {
            match keep {
                true => self.on_write(words),
                false => self.out(Output::Refuse(words)),
            }
        }
        if !std::mem::replace(&mut self.cleared, true) {
            self.out(Output::AllowEffects);
        }
        for text in std::mem::take(&mut self.unseen) {
            self.out(Output::Show(text));
        }
    }

    fn on_write(&mut self, words: Words<T>) {
        if self.is_closed() {
            return self.out(Output::Refuse(words));
        }
        match &mut self.held {
            Some(held) => held.push(words),
            None => self.waiting.push_back(words),
        }
    }

    /// Puts the words whose turn it is, if anybody takes them.
    fn put_next(&mut self) {
        if self.asked || self.blocked || self.is_closed() || self.waiting.is_empty() {
            return;
        }
        self.asked = true;
        if !matches!(self.floor, Floor::Open(_)) {
            return self.out(Output::Open);
        }
        let Some(words) = self.waiting.pop_front() else { return };
        // A message of its own is not run together with the one before.
        let space = words.begins && !self.spaced;
        self.puts_space = words.text.ends_with(char::is_whitespace);
        self.out(Output::Put { space, words });
    }

    fn on_opened(&mut self, sink: Option<SinkKind>) {
        self.asked = false;
        let Some(sink) = sink else { return self.refuse_waiting() };
        if self.is_closed() {
            // It was stopped or ended while it was being opened.
            return self.out(Output::Close);
        }
        self.floor = Floor::Open(sink);
        (self.spaced, self.spoken, self.playing, self.heard) = (true, false, true, None);
    }

    fn on_taken(&mut self) {
        (self.asked, self.spoken, self.spaced) = (false, true, self.puts_space);
    }

    fn on_full(&mut self, words: Words<T>) {
        self.asked = false;
        if self.is_closed() {
            return self.out(Output::Refuse(words));
        }
        self.blocked = true;
        self.waiting.push_front(words);
    }

    /// Gives the floor to who asked first, once the turn is certain and its step is written.
    fn lend_next(&mut self) {
        if self.stopped && !self.cleared {
            for _ in 0..std::mem::take(&mut self.borrowers) {
                self.out(Output::Deny);
            }
        }
        let written = (self.steps == 0 && self.waiting.is_empty() && !self.asked) || self.is_closed();
        if self.borrowers == 0 || self.borrowed || !self.cleared || !written {
            return;
        }
        self.borrowers -= 1;
        self.borrowed = true;
        self.release();
        self.out(Output::Grant);
    }

    fn release(&mut self) {
        if self.floor == Floor::Ended {
            return;
        }
        self.refuse_waiting();
        let was = std::mem::replace(&mut self.floor, Floor::Lent);
        self.lendings += 1;
        if let Floor::Open(_) = was {
            self.out(Output::Close);
        }
    }

    fn finish(&mut self, failure: Option<String>) {
        if self.floor == Floor::Ended {
            return;
        }
        let held = self.held.take().unwrap_or_default();
        held.into_iter().for_each(|words| self.out(Output::Refuse(words)));
        self.refuse_waiting();
        match (std::mem::replace(&mut self.floor, Floor::Ended), failure) {
            (Floor::Open(SinkKind::Reply), Some(reason)) => self.out(Output::Fail(reason)),
            (Floor::Open(_), _) => self.out(Output::Close),
            (Floor::Unopened | Floor::Lent | Floor::Ended, _) => {}
        }
        // Nobody is told of the end of a speech without words.
        if !self.playing || !self.spoken {
            let heard = self.heard.take();
            self.end(heard);
        }
    }

    fn on_speech_over(&mut self, heard: Heard) {
        if !std::mem::take(&mut self.playing) {
            return;
        }
        match self.floor {
            Floor::Ended => self.end(Some(heard)),
            Floor::Open(_) if heard.outcome != SpeechOutcome::Finished => {
                self.stop();
                self.end(Some(heard));
            }
            Floor::Open(_) | Floor::Unopened | Floor::Lent => self.heard = Some(heard),
        }
    }

    fn end(&mut self, heard: Option<Heard>) {
        if !std::mem::replace(&mut self.over, true) {
            self.out(Output::End(heard));
        }
    }
}
