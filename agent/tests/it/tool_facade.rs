//! `#[tool]` for a program that depends on the `duologue` crate alone.

// This binary's root stands for that crate: it is called `duologue`, and its `agent` re-exports this crate.

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
    fn a_program_needs_no_second_dependency() {
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
    #[inner::tool(crate = crate::tool_facade::elsewhere::inner)]
    async fn hello() -> &'static str {
        "hello"
    }

    #[test]
    fn a_re_export_can_be_used() {
        let tools: inner::tool::Toolset = inner::tool::Toolset::new().with(hello);
        assert_eq!(tools.names(), ["hello"]);
    }
}
