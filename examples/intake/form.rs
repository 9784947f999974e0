//! The form: the session's userdata, which every agent and tool of the session shares.

/// What is to be found out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub name: Option<String>,
    pub age: Option<u8>,
}

impl Form {
    /// What is still to be asked.
    pub fn missing(&self) -> Option<&'static str> {
        match (&self.name, self.age) {
            (None, None) => Some("the name and the age"),
            (None, _) => Some("the name"),
            (_, None) => Some("the age"),
            _ => None,
        }
    }
}
