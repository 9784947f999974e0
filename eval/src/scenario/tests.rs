use super::*;

const HEAD: &str = "[agent]\ninstructions = \"\"\nllm = { script = \"a.toml\" }\n";

fn problem(toml: &str) -> String {
    Scenario::parse(toml, Path::new("dir/a.toml")).expect_err(toml).to_string()
}

#[test]
fn a_bad_file_is_refused_with_file_key_and_remedy() {
    for (rest, key, remedy) in [
        ("", "0 steps", "[[step]]"),
        ("[[step]]\nuser = \"a\"\nwithin = 3", "within", "within_ms"),
        ("[[step]]\nuser = \" \"", "step 1: user", "write"),
        ("[[step]]\nuser = \"a\"\nwithin_ms = 0", "within_ms", "choose"),
        ("[[step]]\nuser = \"a\"\ninterrupted_at = \"b\"", "interrupted_at", "add a step"),
        (
            "[[step]]\nuser = \"a\"\ninterrupted_at = \"b c\"\n[[step]]\nuser = \"b\"",
            "interrupted_at",
            "one word",
        ),
        ("[[step]]\nuser = \"a\"\nexpect = [{ }]", "expectation 1", "give it one of"),
        ("[[step]]\nuser = \"a\"\nexpect = [{ message = 3 }]", "message", "a text, a list"),
        ("[[step]]\nuser = \"a\"\nexpect = [{ handoff = \"x\" }]", "handoff", "agents.x"),
        ("[[step]]\nuser = \"a\"\nexpect = [{ message = \"x\", arguments = {} }]", "arguments", "add tool"),
        ("[[tool]]\nname = \"a b\"\nresult = 1\n[[step]]\nuser = \"a\"", "tool.name", "letters"),
        ("[[tool]]\nname = \"a\"\n[[step]]\nuser = \"a\"", "tool a", "result, error and handoff"),
        ("[caller]\nspeed = 9\n[[step]]\nuser = \"a\"", "caller.speed", "choose"),
        ("[session]\ntoken_budget = 1\n[[step]]\nuser = \"a\"", "token_budget", "choose"),
        ("[agents.agent]\ninstructions = \"\"\n[[step]]\nuser = \"a\"", "agents.agent", "choose another"),
    ] {
        let text = problem(&format!("{HEAD}{rest}"));
        let all = ["dir/a.toml", key, remedy].iter().all(|part| text.contains(part));
        assert!(all, "{rest}: {text}");
    }
    assert!(problem("[agent").contains("dir/a.toml"));
    assert!(problem("[[step]]\nuser = \"a\"").contains("agent"));
    let text = problem("[agent]\ninstructions = \"\"\nllm = { scripts = \"a\" }\n[[step]]\nuser = \"a\"");
    assert!(text.contains("scripts") && text.contains("intents"), "{text}");
}

#[test]
fn what_is_written_is_not_lost() {
    let toml = format!(
        "{HEAD}[[step]]\nuser = \"hi\"\nabsent = \"sorry\"\nexpect = [\n\
         {{ tool = \"t\", arguments = {{ n = 1 }} }},\n\
         {{ message = {{ any = [\"a\", \"b\"], absent = \"c\", judge = \"greets\" }} }},\n\
         {{ result = \"x\", of = \"t\" }},\n{{ handoff = \"agent\" }}]"
    );
    let scenario = Scenario::parse(&toml, Path::new("a.toml")).unwrap();
    let step = &scenario.steps[0];
    let told: Vec<_> = step.expect.iter().map(|spec| spec.expected().to_string()).collect();
    assert_eq!(
        told,
        [
            "a call of t with {\"n\":1}",
            "a message of the agent with any of \"a\", \"b\", without \"c\"",
            "a tool's result of t with \"x\"",
            "a hand-off to agent"
        ]
    );
    assert_eq!(step.expect[1].intent(), Some("greets"));
    assert_eq!((scenario.name.as_str(), step.absent.list()), ("a", vec!["sorry".to_owned()]));
    assert!(!scenario.needs_real_time());
}
