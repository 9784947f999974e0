//! `#[tool]` for a program that depends on the `duologue` crate alone.

// This test stands for that crate: a root called `duologue` whose `agent` re-exports this crate.
extern crate self as duologue;

/// As the `duologue` crate has it.
pub use duologue_agent::facade as agent;

mod program {
    // Nothing called `duologue_agent` is in sight of what the macro writes, as it writes
    // `::duologue::agent`.
    use duologue::agent::tool;
    use duologue::agent::tool::Toolset;

    /// Says hello.
    #[tool]
    async fn hello() -> &'static str {
        "hello"
    }

    #[test]
    fn a_program_needs_a_second_dependency() {
        let tools: Toolset = Toolset::new().with(hello);
        assert_eq!(tools.names(), ["hello"]);
    }
}

/// Re-exported by somebody else.
mod elsewhere {
    pub mod inner {
        pub use duologue_agent::*;
    }

    /// Says hello.
    #[inner::tool(crate = crate::elsewhere::inner)]
    async fn hello() -> &'static str {
        "hello"
    }

    #[test]
    fn a_re_export_cannot_be_used() {
        let tools: inner::tool::Toolset = inner::tool::Toolset::new().with(hello);
        assert_eq!(tools.names(), ["hello"]);
    }
}
