//! What a function becomes under `#[tool]`.

use std::sync::Arc;
use std::time::Duration;

use duologue_agent::tool;
use duologue_agent::tool::{
    DEFAULT_OUTPUT_LIMIT, DEFAULT_TIME_LIMIT, FnTool, Json, RunContext, ToolDefinition, ToolError, ToolReply,
    Toolset,
};
use duologue_agent::{Agent, AgentSession, Handoff, SimpleAgent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Default)]
struct Home {
    lights: u8,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Celsius,
    Fahrenheit,
}

/// Tells the weather of a city,
/// for today or a coming day.
///
/// Not for the past.
#[tool]
async fn weather(
    /// The city, in English.
    city: String,
    /// How many days ahead; today if left out.
    #[schemars(range(max = 10))]
    days: Option<u32>,
    #[serde(default = "celsius")] unit: Unit,
) -> Json<Value> {
    Json(json!({"city": city, "days": days, "unit": unit}))
}

fn celsius() -> Unit {
    Unit::Celsius
}

/// Switches so many lights on.
#[tool(name = "switch-lights", effect, time_limit = "1500ms", output_limit = 40)]
async fn lights(context: RunContext<Home>, r#in: String, mut count: u8) -> Result<String, ToolError> {
    count = count.min(9);
    context.userdata().lights = count;
    Ok(format!("{count} lights are on in {}", r#in))
}

#[tool(description = "Counts the lights.")]
async fn count(context: &RunContext<Home>) -> String {
    context.userdata().lights.to_string()
}

/// Works with any userdata that can be described.
#[tool]
async fn describe<U: std::fmt::Debug>(context: &RunContext<U>) -> String {
    format!("{:?}", *context.userdata())
}

/// Goes to the kitchen.
#[tool]
async fn to_kitchen() -> (Handoff<Home>, &'static str) {
    (Handoff::to(SimpleAgent::new("You cook.").id("cook")), "going to the kitchen")
}

/// Goes to whoever is there.
#[tool]
async fn to_anyone() -> Result<(Arc<dyn Agent<Home>>, String), std::io::Error> {
    Ok((Arc::new(SimpleAgent::new("You are.").id("anyone")), "there".to_owned()))
}

/// Does nothing.
#[tool]
async fn nothing() {}

/// Fails in words written for the model.
#[tool]
async fn fails_in_words() -> Result<(), String> {
    Err("the door is locked".to_owned())
}

/// Fails in words written for the log.
#[tool]
async fn fails_inside() -> Result<(), ToolError> {
    std::fs::read_to_string("/no/such/secret-path")?;
    Ok(())
}

fn definition<U: Send + Sync + 'static>(tool: impl tool::Tool<U>) -> ToolDefinition {
    tool.definition()
}

async fn reply<U: Send + Sync + Default + 'static>(
    tool: impl tool::Tool<U>,
    arguments: Value,
) -> (ToolReply<U>, AgentSession<U>) {
    let session = AgentSession::new(U::default());
    let tools = Toolset::new().with(tool);
    let name = tools.names()[0].to_owned();
    let reply = tools.execute_tool(&session, &name, arguments).await;
    (reply, session)
}

#[test]
fn the_schema_says_what_the_function_says() {
    let weather = definition::<()>(weather);
    assert_eq!(weather.name, "weather");
    assert_eq!(
        weather.description,
        "Tells the weather of a city,\nfor today or a coming day.\n\nNot for the past."
    );
    assert_eq!(
        weather.parameters,
        json!({
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city, in English."},
                "days": {
                    "type": ["integer", "null"], "minimum": 0, "maximum": 10,
                    "description": "How many days ahead; today if left out."
                },
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            },
            "required": ["city"],
        })
    );
    assert!(!weather.effect);
    assert_eq!((weather.time_limit, weather.output_limit), (DEFAULT_TIME_LIMIT, DEFAULT_OUTPUT_LIMIT));
}

#[test]
fn a_tool_without_arguments_has_an_empty_object() {
    assert_eq!(definition::<()>(nothing).parameters, json!({"type": "object", "properties": {}}));
}

#[test]
fn options_are_in_the_definition() {
    let lights = definition::<Home>(lights);
    assert_eq!(lights.name, "switch-lights");
    assert!(lights.effect);
    assert_eq!((lights.time_limit, lights.output_limit), (Duration::from_millis(1500), 40));
    assert_eq!(lights.parameters["required"], json!(["in", "count"]));
    assert_eq!(definition::<Home>(count).description, "Counts the lights.");
}

#[tokio::test]
async fn a_tool_can_be_called_as_a_function() {
    assert_eq!(weather::run("Oslo".into(), None, Unit::Fahrenheit).await.0["unit"], "fahrenheit");
}

#[tokio::test]
async fn arguments_arrive_as_they_were_given() {
    let (reply, _) = reply::<()>(weather, json!({"city": "Oslo", "days": 3})).await;
    assert_eq!(reply.text(), r#"{"city":"Oslo","days":3,"unit":"celsius"}"#);
}

#[tokio::test]
async fn the_context_gives_its_own_sessions_data() {
    let (reply, session) = reply(lights, json!({"in": "the hall", "count": 200})).await;
    assert_eq!(reply.text(), "9 lights are on in the hall");
    assert_eq!(session.userdata().lights, 9);
    let tools = Toolset::new().with(count);
    assert_eq!(tools.execute_tool(&session, "count", json!({})).await.text(), "9");
}

#[tokio::test]
async fn a_generic_tool_fits_any_userdata() {
    assert_eq!(reply::<u8>(describe, json!({})).await.0.text(), "0");
    assert_eq!(reply::<String>(describe, json!({})).await.0.text(), "\"\"");
}

#[tokio::test]
async fn a_hand_off_keeps_its_message() {
    let (first, _) = reply(to_kitchen, json!({})).await;
    let (second, _) = reply(to_anyone, json!({})).await;
    for (reply, id, message) in [(first, "cook", "going to the kitchen"), (second, "anyone", "there")] {
        assert_eq!(reply.text(), message);
        let ToolReply::Handoff(handoff) = reply else { panic!("nobody takes over") };
        assert_eq!(handoff.agent.id(), id);
    }
}

#[tokio::test]
async fn the_model_learns_which_argument_is_wrong() {
    for (arguments, place) in [
        (json!({"city": "Oslo", "days": "tomorrow"}), "`days`: invalid type"),
        (json!({"days": 1}), "missing field `city`"),
        (json!({"city": "Oslo", "unit": "kelvin"}), "`unit`: unknown variant `kelvin`"),
        (json!({"city": ["Oslo"]}), "`city`: invalid type"),
        (json!({"city": "Oslo", "days": -1}), "`days`: invalid value"),
    ] {
        let (reply, _) = reply::<()>(weather, arguments).await;
        assert!(reply.is_error());
        assert!(reply.text().contains(place), "{}", reply.text());
        assert!(reply.text().contains(r#""description":"The city, in English.""#), "{}", reply.text());
    }
}

#[tokio::test]
async fn the_model_does_not_read_out_what_was_written_for_the_log() {
    let (shown, _) = reply::<()>(fails_in_words, json!({})).await;
    assert_eq!(shown.text(), "`fails_in_words` failed: the door is locked");
    let (hidden, _) = reply::<()>(fails_inside, json!({})).await;
    assert!(hidden.is_error());
    assert_eq!(hidden.text(), "`fails_inside` failed");
}

#[tokio::test]
async fn a_closures_state_is_its_agents() {
    #[derive(Deserialize, JsonSchema)]
    struct Order {
        /// As on the menu.
        dish: String,
    }
    let orders = Arc::new(std::sync::Mutex::new(Vec::new()));
    let taken = Arc::clone(&orders);
    let order = FnTool::new("order", "Orders a dish.", move |_: RunContext, order: Order| {
        taken.lock().unwrap().push(order.dish);
        async { Ok::<_, ToolError>(()) }
    });
    let order = order.effect().time_limit(Duration::from_secs(5)).output_limit(100);
    assert_eq!(definition(order).parameters["properties"]["dish"]["description"], "As on the menu.");

    let taken = Arc::clone(&orders);
    let order = FnTool::new("order", "Orders a dish.", move |_: RunContext, order: Order| {
        taken.lock().unwrap().push(order.dish);
        async { Ok::<_, ToolError>(()) }
    });
    assert_eq!(reply(order, json!({"dish": "soup"})).await.0.text(), "done");
    assert_eq!(*orders.lock().unwrap(), ["soup"]);
}

#[test]
fn a_toolset_keeps_one_of_a_name() {
    let mut tools: Toolset = Toolset::new().with(nothing).with(weather).with(nothing);
    assert_eq!(tools.names(), ["weather", "nothing"]);
    let mut others = Toolset::new().with(weather);
    others.extend(&tools);
    assert_eq!(others.len(), 2);
    assert!(tools.remove("weather") && !tools.remove("weather"));
    assert_eq!(tools.get_tool_definitions().len(), 1);
    assert!(tools.get("weather").is_none() && tools.definition("nothing").is_some());
}
