use super::*;

fn env(key: &str, value: &str) -> [(String, String); 1] {
    [(key.to_owned(), value.to_owned())]
}

#[test]
fn an_unknown_key_is_not_silently_ignored() {
    let error = Config::parse("[pipeline.voice]\nspede = 1.0", "a.toml", []).unwrap_err();
    assert!(error.to_string().contains("a.toml") && error.to_string().contains("spede"), "{error}");
    assert!(error.to_string().contains("did you mean pipeline.voice.speed?"), "{error}");
    assert_eq!(error.key(), Some("pipeline.voice.spede"));
}

#[test]
fn a_value_out_of_range_is_not_accepted() {
    let error = Config::parse("[pipeline.voice]\nspeed = 9.0", "a.toml", []).unwrap_err();
    assert!(error.to_string().contains("voice.speed"), "{error}");
    assert_eq!(
        (error.key(), error.allowed()),
        (Some("pipeline.voice.speed"), Some("a number from 0.5 to 2"))
    );
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let in_file = "[llm]\nbase_url = \"http://me:hush1@127.0.0.1/v1?token=hush2\"";
    let in_environment = env("DUOLOGUE_LLM__BASE_URL", "http://me:hush1@127.0.0.1/v1?token=hush2");
    for error in [
        Config::parse(in_file, "a.toml", []).unwrap_err(),
        Config::parse("", "a.toml", in_environment).unwrap_err(),
        Config::parse("url = http://me:hush1@h\n", "a.toml", []).unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
}

#[test]
fn the_environment_is_not_ignored() {
    let config =
        Config::parse("stt = \"a\"", "a.toml", env("DUOLOGUE_PIPELINE__CONVERSATION__POLICY", "pause"))
            .unwrap();
    assert_eq!(config.pipeline.conversation.policy, duologue_pipeline::conversation::Policy::Pause);
    assert_eq!(config.stt, "a");
}

#[test]
fn the_key_of_the_model_is_not_read_as_a_number() {
    let config =
        Config::parse("[llm]\nmodel = \"m\"", "a.toml", env("DUOLOGUE_LLM__API_KEY", "123456")).unwrap();
    assert_eq!(config.llm.table()["api_key"].as_str(), Some("123456"));
    assert_eq!(config.llm.table()["model"].as_str(), Some("m"));
}

#[test]
fn a_mistyped_variable_is_named() {
    let error = Config::parse("", "a.toml", env("DUOLOGUE_STT__NAME", "x")).unwrap_err();
    assert!(error.to_string().contains("DUOLOGUE_STT__NAME"), "{error}");
    for typo in ["DUOLOGUE_LLM__MODLE", "DUOLOGUE_LLM_MODEL"] {
        let error = Config::parse("", "a.toml", env(typo, "x")).unwrap_err().to_string();
        assert!(error.contains(typo) && error.contains("DUOLOGUE_LLM__MODEL?"), "{error}");
    }
}

#[test]
fn places_are_not_taken_for_settings() {
    assert_eq!(Config::parse("", "", env("DUOLOGUE_CACHE", "/tmp/x")).unwrap(), Config::default());
}

#[test]
fn a_base_url_that_nothing_can_reach_is_not_accepted() {
    for url in ["127.0.0.1:11434/v1", "ftp://host/v1", "http://", "http://me:secret@host/v1"] {
        let text = format!("[llm]\nbase_url = \"{url}\"");
        let error = Config::parse(&text, "a.toml", []).unwrap_err();
        assert_eq!(error.key(), Some("llm.base_url"), "{error}");
        let error = Config::parse("", "a.toml", env("DUOLOGUE_LLM__BASE_URL", url)).unwrap_err();
        assert!(error.to_string().contains("DUOLOGUE_LLM__BASE_URL"), "{error}");
    }
}

#[test]
fn a_file_is_valid_without_the_parts_that_read_it() {
    let text = "[agent]\ngreeting = \"Hi\"\n[llm]\nmodel = \"m\"\n[worker]\njob_limit = 8\n[session]\nspeculate = false";
    let config = Config::parse(text, "a.toml", []).unwrap();
    assert_eq!(config.worker.table()["job_limit"].as_integer(), Some(8));
    let error = Config::parse("[worker]\njob_limits = 8", "a.toml", []).unwrap_err().to_string();
    assert!(error.contains("did you mean worker.job_limit?"), "{error}");
}

#[test]
fn every_setting_tells_where_it_came_from() {
    let config =
        Config::parse("tts = \"a\"\n[llm]\napi_key = \"hidden\"", "a.toml", env("DUOLOGUE_STT", "b"))
            .unwrap();
    let of = |path: &str| config.settings().into_iter().find(|setting| setting.key.path == path).unwrap();
    assert_eq!(of("tts").origin, Origin::File("a.toml".into()));
    assert_eq!(of("stt").origin, Origin::Environment("DUOLOGUE_STT".into()));
    assert_eq!((of("vad").origin, of("vad").value), (Origin::Default, "\"silero\"".to_owned()));
    assert_eq!(of("llm.api_key").value, "\"***\"");
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn openai_s_key_goes_to_no_other_server() {
    let both = || {
        [
            ("OPENAI_API_KEY".to_owned(), "k".to_owned()),
            ("OPENAI_BASE_URL".to_owned(), "http://o/v1".to_owned()),
        ]
    };
    let config = Config::parse("", "a.toml", both()).unwrap();
    assert_eq!(config.llm.table()["base_url"].as_str(), Some("http://o/v1"));
    assert!(config.llm.table().contains_key("api_key"));
    let config = Config::parse("[llm]\nbase_url = \"http://elsewhere/v1\"", "a.toml", both()).unwrap();
    assert!(!config.llm.table().contains_key("api_key"));
}

/// The table of what `KEYS` says of `section`, with each default set.
fn defaults(section: &str) -> Table {
    let mut table = Table::new();
    for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
        let Some(path) = key.path.strip_prefix(section).and_then(|path| path.strip_prefix('.')) else {
            continue;
        };
        let literal: Table = format!("x = {}", key.default).parse().unwrap();
        layers::set(&mut table, path, literal["x"].clone()).unwrap();
    }
    table
}

/// Whether an end of the range of `path` is valid only together with other settings.
fn is_bounded_by_another(path: &str) -> bool {
    ["_endpoint_delay", "turn_likely", "turn_unlikely"].iter().any(|end| path.ends_with(end))
        || path.starts_with("pipeline.ear.vad.")
}

/// `T` has the defaults, the ranges and no other keys than `KEYS` says of `section`.
fn hold_against<T>(section: &str, tables: &[&str], check: impl Fn(&T) -> bool)
where
    T: Default + PartialEq + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let read = |table: Table| Value::Table(table).try_into::<T>();
    assert_eq!(read(defaults(section)).unwrap(), T::default());
    for table in tables {
        let mut unknown = Table::new();
        layers::set(&mut unknown, format!("{table}.no_such_key").trim_start_matches('.'), Value::Integer(1))
            .unwrap();
        let refusal = read(unknown).unwrap_err().to_string();
        // The lines after it tell where.
        let refusal = refusal.lines().find(|line| line.contains("expected")).unwrap();
        let expected: Vec<&str> =
            refusal.split("expected").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        let prefix = [section, table].join(".");
        let prefix = prefix.trim_end_matches('.');
        for name in &expected {
            let path = format!("{prefix}.{name}");
            assert!(
                KEYS.iter().any(|key| key.path == path || key.path.starts_with(&format!("{path}."))),
                "{path} is missing"
            );
        }
        for key in KEYS.iter().filter_map(|key| key.path.strip_prefix(prefix)?.strip_prefix('.')) {
            let step = key.split('.').next().unwrap();
            assert!(expected.contains(&step), "{prefix}.{step} is not read by anything");
        }
    }
    let in_section =
        |key: &&Key| key.path.starts_with(&format!("{section}.")) && !is_bounded_by_another(key.path);
    for key in KEYS.iter().filter(in_section) {
        let ends = match key.kind {
            Kind::Whole(low, high) => vec![Value::Integer(low), Value::Integer(high)],
            Kind::Number(low, high) => vec![Value::Float(low), Value::Float(high)],
            Kind::Choice(words) => words.iter().map(|word| Value::from(*word)).collect(),
            _ => vec![],
        };
        for end in ends {
            let mut table = Table::new();
            layers::set(&mut table, &key.path[section.len() + 1..], end.clone()).unwrap();
            assert!(read(table).is_ok_and(|read| check(&read)), "{} = {end} is refused", key.path);
        }
    }
}

#[test]
fn the_list_of_keys_is_what_the_types_read() {
    let tables = ["", "conversation", "ear", "ear.echo", "ear.vad", "playback", "voice"];
    hold_against::<PipelineConfig>("pipeline", &tables, |config| config.validate().is_ok());
    hold_against::<SttOptions>("recogniser", &[""], |options| options.validate().is_ok());
    hold_against::<AgentSettings>("agent", &[""], |_| true);
}

#[cfg(feature = "agent")]
#[test]
fn the_list_of_keys_is_what_an_agent_reads() {
    hold_against::<duologue_agent::session::SessionConfig>("session", &[""], |config| {
        config.validate().is_ok()
    });
    hold_against::<duologue_agent::llm::openai::OpenAiConfig>("llm", &[""], |_| true);
}

#[test]
fn the_page_of_settings_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let written = std::fs::read_to_string(page).unwrap_or_default();
    assert!(written == reference(), "write it anew: duologue config reference > docs/configuration.md");
}
