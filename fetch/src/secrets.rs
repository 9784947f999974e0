//! Takes passwords and tokens out of text that people will see.

/// Names of parameters of an address whose values are not shown.
const SECRET_NAMES: [&str; 10] =
    ["token", "key", "secret", "password", "passwd", "pwd", "auth", "credential", "sig", "session"];

/// Removes `user:password@` from every address of a text, and the values of parameters that sound secret (`?token=…`, `&X-Amz-Signature=…`,
/// `;sig=…`).
pub fn without_secrets(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(ends_address).unwrap_or(part.len());
        let (address, rest) = part.split_at(end);
        let authority_end = address.find(['/', '?', '#']).unwrap_or(address.len());
        let (authority, path) = address.split_at(authority_end);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        clean = clean + "://" + host + &without_secret_values(path) + rest;
    }
    clean
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || c == '"' || c == '\'' || c == '<' || c == '>'
}

fn without_secret_values(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let mut clean = format!("{path}?");
    for piece in query.split_inclusive(['&', ';', '#']) {
        let (pair, separator) = match piece.char_indices().last() {
            Some((at, '&' | ';' | '#')) => piece.split_at(at),
            _ => (piece, ""),
        };
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && sounds_secret(name) => clean = clean + name + "=***",
            _ => clean += pair,
        }
        clean += separator;
    }
    clean
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_never_reach_a_message() {
        let text = "a https://u:p@h/x and http://u@h2 or https://h3/@y https://u:p@h4";
        assert_eq!(without_secrets(text), "a https://h/x and http://h2 or https://h3/@y https://h4");
    }

    #[test]
    fn tokens_in_a_query_never_reach_a_message() {
        for (text, want) in [
            ("get https://h/x?token=abc&n=1 now", "get https://h/x?token=***&n=1 now"),
            ("https://h/x?X-Amz-Signature=abc#f", "https://h/x?X-Amz-Signature=***#f"),
            ("\"https://h/?a=1;api_key=abc\"", "\"https://h/?a=1;api_key=***\""),
            ("https://h/x?version=1", "https://h/x?version=1"),
            ("https://u:p@h?access_token=abc", "https://h?access_token=***"),
        ] {
            assert_eq!(without_secrets(text), want);
        }
    }

    #[test]
    fn text_without_an_address_is_kept() {
        assert_eq!(without_secrets("a?token=1 ü"), "a?token=1 ü");
    }
}
