//! Who should answer: a model's decision, or a rule's.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::decide::{DEFAULT_TIME_LIMIT, DecideError, decide_by_schema, schema_of};
use crate::{Priority, words};
use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::llm::Llm;
use duologue_agent::{Error, ErrorKind};

/// How many of the latest chat items the model is shown unless told otherwise.
const DEFAULT_CONTEXT: usize = 12;

/// What a request is about, and who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What the request is about.
    pub category: String,
    /// How soon it must be answered.
    #[serde(default)]
    pub priority: Priority,
    /// Why, in one sentence.
    #[serde(default)]
    pub reason: String,
    /// Who answers.
    #[serde(default)]
    pub agent: String,
}

/// A category, its agent, and how it is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What requests are about.
    pub category: String,
    /// Who answers them.
    pub agent: String,
    /// What the model is told of it.
    #[serde(default)]
    pub about: String,
    /// Whole words or phrases that mean this category where the model gives no decision.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// How soon requests of this category must be answered where the model does not say.
    #[serde(default)]
    pub priority: Priority,
}

impl Route {
    /// Requests of `category` go to `agent`.
    pub fn new(category: impl Into<String>, agent: impl Into<String>) -> Self {
        Self {
            category: category.into(),
            agent: agent.into(),
            about: String::new(),
            keywords: Vec::new(),
            priority: Priority::default(),
        }
    }

    /// What the model is told of it.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Whole words or phrases that mean this category where the model gives no decision.
    #[must_use]
    pub fn keywords(mut self, keywords: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keywords = keywords.into_iter().map(Into::into).collect();
        self
    }

    /// How soon its requests must be answered where the model does not say.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    fn decision(&self, reason: String) -> Decision {
        Decision {
            category: self.category.clone(),
            priority: self.priority,
            reason,
            agent: self.agent.clone(),
        }
    }
}

/// Where a decision came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutePath {
    /// The model's first answer.
    Model,
    /// The model's second answer: the first could not be read.
    ModelRepaired,
    /// A keyword was said.
    Keyword {
        /// The keyword.
        keyword: String,
        /// Why not the model.
        why: Fallback,
    },
    /// Nothing else matched.
    Default {
        /// Why not the model.
        why: Fallback,
    },
}

/// Why a rule decided, and not the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// There is no model.
    NoModel,
    /// It gave no decision.
    Failed(DecideError),
}

/// A decision, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The decision.
    pub decision: Decision,
    /// Where it came from.
    pub path: RoutePath,
}

/// Decides who answers a request. See the [module](super) for an example.
///
/// It always decides: by the model; if there is none, or it fails, takes too long or answers twice
/// what cannot be read, by the keywords of the routes in their order; and else by the default route.
#[derive(Clone)]
pub struct Router {
    llm: Option<Arc<dyn Llm>>,
    routes: Vec<Route>,
    default: usize,
    instructions: String,
    time_limit: Duration,
    context: usize,
    schema: Value,
}

impl Router {
    /// How to make one.
    pub fn builder() -> RouterBuilder {
        RouterBuilder {
            llm: None,
            routes: Vec::new(),
            default: None,
            instructions: "You decide which department answers a caller. Do not answer the caller.".into(),
            time_limit: DEFAULT_TIME_LIMIT,
            context: DEFAULT_CONTEXT,
        }
    }

    /// Decides who answers `said`, which follows the conversation `items`.
    pub async fn route(&self, items: &[ChatItem], said: &str) -> Routed {
        let Some(llm) = &self.llm else { return self.by_rule(said, Fallback::NoModel) };
        match self.by_model(llm.as_ref(), items, said).await {
            Ok(routed) => routed,
            Err(error) => {
                tracing::warn!(model = llm.name(), %error, "routing by rule");
                self.by_rule(said, Fallback::Failed(error))
            }
        }
    }

    async fn by_model(&self, llm: &dyn Llm, items: &[ChatItem], said: &str) -> Result<Routed, DecideError> {
        let mut asked = items[items.len().saturating_sub(self.context)..].to_vec();
        // Half a tool call without its result, or the reverse, is refused by servers.
        asked.retain(|item| matches!(item.content, ChatContent::Message { .. }));
        let content = ChatContent::Message { role: Role::User, text: said.to_owned(), interrupted: false };
        asked.push(ChatItem::new("router", content));
        let check = |decision: &Decision| self.find(decision).map(|_| ());
        let schema = self.schema.clone();
        let decided =
            decide_by_schema(llm, &self.instructions(), asked, self.time_limit, schema, check).await?;
        let mut decision: Decision = decided.value;
        if let Ok(route) = self.find(&decision) {
            decision.category.clone_from(&route.category);
            decision.agent.clone_from(&route.agent);
        }
        let path = if decided.repaired { RoutePath::ModelRepaired } else { RoutePath::Model };
        Ok(Routed { decision, path })
    }

    fn by_rule(&self, said: &str, why: Fallback) -> Routed {
        for route in &self.routes {
            if let Some(keyword) = route.keywords.iter().find(|keyword| words::contains(said, keyword)) {
                let decision = route.decision(format!("the user said {keyword:?}"));
                return Routed { decision, path: RoutePath::Keyword { keyword: keyword.clone(), why } };
            }
        }
        let decision = self.routes[self.default].decision("no rule matched".into());
        Routed { decision, path: RoutePath::Default { why } }
    }

    fn instructions(&self) -> String {
        let mut text = format!("{}\n\nCategories:", self.instructions);
        for Route { category, agent, about, .. } in &self.routes {
            text.push_str(&format!("\n- {category} (agent {agent}): {about}"));
        }
        text
    }

    /// The route that a model's decision means: its category, and its agent where several share it.
    fn find(&self, decision: &Decision) -> Result<&Route, String> {
        let same = |known: &str, given: &str| known.to_lowercase() == given.trim().to_lowercase();
        let of_category = || self.routes.iter().filter(|route| same(&route.category, &decision.category));
        let Some(first) = of_category().next() else {
            let known: Vec<_> = self.routes.iter().map(|route| route.category.as_str()).collect();
            return Err(format!("category {:?} is not one of {}", decision.category, known.join(", ")));
        };
        Ok(of_category().find(|route| same(&route.agent, &decision.agent)).unwrap_or(first))
    }
}

/// Makes a [`Router`].
#[must_use]
pub struct RouterBuilder {
    llm: Option<Arc<dyn Llm>>,
    routes: Vec<Route>,
    default: Option<String>,
    instructions: String,
    time_limit: Duration,
    context: usize,
}

impl RouterBuilder {
    /// Who decides; without one the rules alone do.
    pub fn llm(mut self, llm: Arc<dyn Llm>) -> Self {
        self.llm = Some(llm);
        self
    }

    /// One more route. Earlier ones win where keywords of several are said.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// The category where nothing else matches; by default the last route's.
    pub fn default_route(mut self, category: impl Into<String>) -> Self {
        self.default = Some(category.into());
        self
    }

    /// What the model is told of its role; the categories are added.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = instructions.into();
        self
    }

    /// How long the model may take in all; by default 8 s.
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// How many of the latest chat items the model is shown; by default 12.
    pub fn context(mut self, items: usize) -> Self {
        self.context = items;
        self
    }

    /// The router.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if there is no route, a category or agent is empty, two routes are the
    /// same, or the default is not among them.
    pub fn build(self) -> Result<Router, Error> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Config, message));
        for (at, route) in self.routes.iter().enumerate() {
            if route.category.trim().is_empty() || route.agent.trim().is_empty() {
                return wrong(format!("route {at} lacks its category or its agent; name both"));
            }
            let same = |other: &&Route| other.category == route.category && other.agent == route.agent;
            if self.routes[..at].iter().any(|other| same(&other)) {
                return wrong(format!("two routes lead from {:?} to {:?}", route.category, route.agent));
            }
        }
        let Some(last) = self.routes.len().checked_sub(1) else {
            return wrong("the router has no routes; add at least one".into());
        };
        let default = match &self.default {
            None => last,
            Some(name) => match self.routes.iter().position(|route| route.category == *name) {
                Some(at) => at,
                None => return wrong(format!("default_route {name:?} is the category of no route; add it")),
            },
        };
        let schema = narrowed_schema(&self.routes);
        let Self { llm, routes, instructions, time_limit, context, .. } = self;
        Ok(Router { llm, routes, default, instructions, time_limit, context, schema })
    }
}

/// [`Decision`]'s schema, with the categories and agents that there are.
fn narrowed_schema(routes: &[Route]) -> Value {
    let mut schema = schema_of::<Decision>();
    let distinct = |of: fn(&Route) -> &String| {
        let mut values: Vec<_> = routes.iter().map(of).collect();
        values.sort();
        values.dedup();
        json!(values)
    };
    schema["properties"]["category"]["enum"] = distinct(|route| &route.category);
    schema["properties"]["agent"]["enum"] = distinct(|route| &route.agent);
    // Servers that follow schemas strictly want every field required and no other.
    schema["required"] = json!(["category", "priority", "reason", "agent"]);
    schema["additionalProperties"] = false.into();
    schema
}
