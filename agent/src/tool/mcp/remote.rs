//! A server's tool as one of ours.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Map, Value};

use super::McpServer;
use super::connection::Connection;
use crate::tool::{RunContext, Tool, ToolDefinition, ToolError, ToolOutput};

/// Most bytes of a description that the model is told: a server's words cost tokens in every turn.
const DESCRIPTION_LIMIT: usize = 4096;
/// What the model is told of content that this protocol did not have yet.
const UNKNOWN: &str = "[content of an unknown kind]";
/// Most characters of a tool's name.
const NAME_LIMIT: usize = 64;

/// A server's tool.
pub struct RemoteTool {
    connection: Arc<Connection>,
    /// As the server knows it.
    name: String,
    definition: ToolDefinition,
    call_limit: Duration,
}

impl RemoteTool {
    /// The tool that `server` has `described`, beside others called `taken`.
    pub fn new(server: &McpServer, described: rmcp::model::Tool, taken: &[&str]) -> Self {
        let name = described.name.into_owned();
        let annotations = described.annotations.unwrap_or_default();
        let description =
            [described.description.as_deref(), described.title.as_deref(), annotations.title.as_deref()]
                .into_iter()
                .flatten()
                .find(|text| !text.trim().is_empty())
                .unwrap_or(&name);
        let description = &description[..description.floor_char_boundary(DESCRIPTION_LIMIT)];
        let parameters = Value::Object((*described.input_schema).clone());
        let mut definition =
            ToolDefinition::new(our_name(&server.prefix, &name, taken), description, parameters);
        definition.effect = annotations.read_only_hint != Some(true) && !server.read_only.contains(&name);
        definition.time_limit = server.call_limit + server.connection.connect_limit();
        definition.output_limit = server.output_limit;
        Self { connection: Arc::clone(&server.connection), name, definition, call_limit: server.call_limit }
    }
}

#[async_trait]
impl<U: Send + Sync + 'static> Tool<U> for RemoteTool {
    fn definition(&self) -> ToolDefinition {
        self.definition.clone()
    }

    async fn call(&self, _context: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError> {
        let arguments = match arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        output(self.connection.call(&self.name, arguments, self.call_limit).await?)
    }
}

/// A name that model servers accept and that is not `taken`.
fn our_name(prefix: &str, name: &str, taken: &[&str]) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = prefix.chars().chain(name.chars()).map(allowed).take(NAME_LIMIT).collect();
    if !taken.contains(&name.as_str()) {
        return name;
    }
    let numbered = |number: usize| {
        let number = format!("_{number}");
        format!("{}{number}", &name[..name.len().min(NAME_LIMIT - number.len())])
    };
    (2..).map(numbered).find(|name| !taken.contains(&name.as_str())).unwrap_or(name)
}

/// What the model is told: text if there is any, else the structured content; what it cannot read is
/// named.
fn output<U: Send + Sync + 'static>(result: CallToolResult) -> Result<ToolOutput<U>, ToolError> {
    let text: Vec<String> = result.content.into_iter().map(text).collect();
    let text = text.join("\n");
    if result.is_error == Some(true) {
        return Err(ToolError::Visible(if text.is_empty() {
            "it does not say why".to_owned()
        } else {
            text
        }));
    }
    Ok(match result.structured_content {
        Some(value) if text.is_empty() => ToolOutput::Json(value),
        _ if text.is_empty() => ToolOutput::Text("done".to_owned()),
        _ => ToolOutput::Text(text),
    })
}

fn text(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::Image(image) => format!("[an image, {}, which you cannot see]", image.mime_type),
        ContentBlock::Audio(audio) => format!("[a sound, {}, which you cannot hear]", audio.mime_type),
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text,
            ResourceContents::BlobResourceContents { uri, .. } => {
                format!("[data of {uri}, which you cannot read]")
            }
            _ => UNKNOWN.to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[{}: {}]", link.name, link.uri),
        _ => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::Tool as Described;
    use serde_json::json;

    use super::*;

    fn remote(server: &McpServer, described: Value) -> RemoteTool {
        let described: Described = serde_json::from_value(described).expect("a tool");
        RemoteTool::new(server, described, &[])
    }

    fn server() -> McpServer {
        McpServer::stdio("server", [""; 0], [("", ""); 0]).prefix("x.")
    }

    #[test]
    fn a_tool_that_changes_things_does_not_count_as_reading() {
        let schema = json!({"type": "object"});
        for (annotations, effect) in [
            (json!(null), true),
            (json!({}), true),
            (json!({"readOnlyHint": true}), false),
            (json!({"readOnlyHint": false, "destructiveHint": false}), true),
            (json!({"destructiveHint": true}), true),
        ] {
            let described = json!({"name": "a", "inputSchema": schema, "annotations": annotations});
            assert_eq!(remote(&server(), described).definition.effect, effect, "{annotations}");
        }
        let described = json!({"name": "a", "inputSchema": schema});
        assert!(!remote(&server().read_only(["a"]), described).definition.effect);
    }

    #[test]
    fn a_servers_name_does_not_break_the_request() {
        assert_eq!(our_name("x.", "files/read file", &[]), "x_files_read_file");
        let long = "n".repeat(100);
        let first = our_name("", &long, &[]);
        let second = our_name("", &long, &[&first]);
        assert_eq!((first.len(), second.len()), (64, 64));
        assert!(second.ends_with("_2"));
        assert_eq!(our_name("", "größe", &[]), "gr__e");
        assert_eq!(our_name("", "a", &["a", "a_2"]), "a_3");
    }

    #[test]
    fn a_long_description_is_not_sent_with_every_turn() {
        let described = json!({"name": "a", "inputSchema": {}, "description": "ß".repeat(10_000)});
        assert_eq!(remote(&server(), described).definition.description.len(), 4096);
        let described = json!({"name": "a", "inputSchema": {}, "description": " ", "title": "A tool"});
        assert_eq!(remote(&server(), described).definition.description, "A tool");
    }

    #[test]
    fn no_content_of_a_result_is_lost() {
        let told = |result: Value| {
            let result: CallToolResult = serde_json::from_value(result).expect("a result");
            match output::<()>(result) {
                Ok(ToolOutput::Text(text)) => text,
                Ok(ToolOutput::Json(value)) => value.to_string(),
                Ok(_) => panic!("neither text nor JSON"),
                Err(error) => format!("error: {error}"),
            }
        };
        let text = json!({"type": "text", "text": "words"});
        let image = json!({"type": "image", "data": "AA==", "mimeType": "image/png"});
        let audio = json!({"type": "audio", "data": "AA==", "mimeType": "audio/wav"});
        let resource = json!({"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}});
        let blob = json!({"type": "resource", "resource": {"uri": "file:///b", "blob": "AA=="}});
        let link = json!({"type": "resource_link", "uri": "file:///c", "name": "c"});
        let all = told(json!({"content": [text, image, audio, resource, blob, link]}));
        for part in ["words", "image/png", "audio/wav", "inside", "file:///b", "[c: file:///c]"] {
            assert!(all.contains(part), "{part} is missing: {all}");
        }
        assert!(!all.contains("AA=="), "{all}");
        assert_eq!(told(json!({"content": [], "structuredContent": {"a": 1}})), r#"{"a":1}"#);
        assert_eq!(told(json!({"content": [text], "structuredContent": {"a": 1}})), "words");
        assert_eq!(told(json!({"content": []})), "done");
        assert_eq!(told(json!({"content": [text], "isError": true})), "error: words");
        assert_eq!(told(json!({"content": [], "isError": true})), "error: it does not say why");
    }
}
