//! One request: certificates, proxy, time limits, and redirects that are followed only where that is safe.

use std::{io, path::PathBuf, sync::OnceLock, time::Duration};

use ureq::{
    Agent, Body,
    http::{Response, StatusCode, header},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::{
    error::{Error, ErrorKind, Result},
    options::Patience,
};

const CONNECT: Duration = Duration::from_secs(20);
/// More hops than any honest server needs.
const REDIRECTS: usize = 5;

/// Why a request failed.
pub(super) struct Failed {
    pub error: Error,
    /// Whether the same may succeed a moment later.
    pub again: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, again: false }
    }
}

/// Sends requests; cheap to copy, may be shared by threads.
#[derive(Clone)]
pub(super) struct Client(Agent);

impl Client {
    pub(super) fn new(patience: &Patience) -> Result<Self> {
        // Proxies come from ALL_PROXY, HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
        let tls = TlsConfig::builder().root_certs(root_certs()?).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(Some(CONNECT.min(patience.stall)))
            .timeout_recv_response(Some(patience.stall))
            .timeout_per_read(Some(patience.stall))
            .timeout_per_write(Some(patience.stall))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept_encoding("identity")
            .user_agent(concat!("duologue/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(config.into()))
    }

    /// Gets `url`, following redirects. Only `headers` that are given are sent; a password in the address goes to no other host.
    pub(super) fn get(
        &self,
        url: &str,
        headers: &[(&str, String)],
    ) -> std::result::Result<Response<Body>, Failed> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            expect_http(&url)?;
            let mut request = self.0.get(&url);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            let answer = request.call().map_err(|e| unreachable(&url, e))?;
            if !is_redirect(answer.status()) {
                return Ok(answer);
            }
            let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = join(&url, location.ok_or_else(|| astray(&url, "nowhere"))?);
            if scheme(&next) == "http" && scheme(&url) == "https" {
                return Err(astray(&url, &format!("to an address without encryption, {next}")).into());
            }
            expect_http(&next).map_err(|_| astray(&url, &format!("to {next}")))?;
            url = next;
        }
        Err(astray(&url, "in circles").into())
    }
}

/// pip's own variables for a company's certificates first, else the system's store. Read once.
fn root_certs() -> Result<RootCerts> {
    static CERTIFICATES: OnceLock<RootCerts> = OnceLock::new();
    if let Some(known) = CERTIFICATES.get() {
        return Ok(known.clone());
    }
    let named = ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];
    let Some(path) = named.iter().find_map(std::env::var_os).filter(|p| !p.is_empty()).map(PathBuf::from)
    else {
        return Ok(CERTIFICATES.get_or_init(|| RootCerts::PlatformVerifier).clone());
    };
    let pem = std::fs::read(&path).map_err(|e| Error::io("cannot read the certificates in", &path, e))?;
    let certs = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(cert)) => Some(cert),
        _ => None,
    });
    let certs = RootCerts::new_with_certs(&certs.collect::<Vec<_>>());
    Ok(CERTIFICATES.get_or_init(|| certs).clone())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn expect_http(url: &str) -> Result<()> {
    if matches!(scheme(url).as_str(), "http" | "https") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Refused, format!("{url} is neither an http nor an https address"))
        .with_remedy("correct the address"))
}

fn scheme(url: &str) -> String {
    url.split_once(':').map_or("", |(scheme, _)| scheme).to_lowercase()
}

fn astray(url: &str, whereto: &str) -> Error {
    Error::new(ErrorKind::Refused, format!("{url} redirects {whereto}, which is not followed"))
        .with_remedy("use another source or correct the address")
}

/// What a failure of the connection means. Anything may pass by itself but a name or address that is wrong.
pub(super) fn unreachable(url: &str, error: ureq::Error) -> Failed {
    let again =
        !matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl);
    let kind = match &error {
        ureq::Error::Timeout(_) => ErrorKind::Timeout,
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::TimedOut => ErrorKind::Timeout,
        _ => ErrorKind::Network,
    };
    Failed { error: network(kind, url, error), again }
}

/// An error on the way, with the remedies that all of them share.
pub(super) fn network(
    kind: ErrorKind,
    url: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(kind, format!("cannot fetch {url}: {error}"))
        .with_remedy("check the network and HTTPS_PROXY, or fetch elsewhere and copy the cache")
}

/// An address as it stands on a page or in a redirect, made absolute (RFC 3986, as far as links to files go).
pub(crate) fn join(page: &str, link: &str) -> String {
    let names_scheme = link.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if names_scheme {
        return link.to_owned();
    }
    let (scheme, rest) = page.split_once("://").unwrap_or(("https", page));
    if let Some(host_and_path) = link.strip_prefix("//") {
        return format!("{scheme}://{host_and_path}");
    }
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if link.starts_with('/') {
        return format!("{scheme}://{host}{link}");
    }
    // The last segment, empty after a slash, is what the link replaces.
    let mut segments: Vec<&str> = path.split('/').collect();
    segments.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(segments.pop()),
            part => segments.push(part),
        }
    }
    format!("{scheme}://{host}/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_joined_as_browsers_do() {
        for (link, want) in [
            ("/a/b.whl", "http://h:1/a/b.whl"),
            ("//g/b.whl", "http://g/b.whl"),
            ("b.whl", "http://h:1/simple/x/b.whl"),
            ("./b.whl", "http://h:1/simple/x/b.whl"),
            ("../../../../b.whl", "http://h:1/b.whl"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("file:/etc/passwd", "file:/etc/passwd"),
        ] {
            assert_eq!(join("http://h:1/simple/x/", link), want);
            assert_eq!(join("http://h:1/simple/x/?page=a/b", link), want);
        }
    }

    #[test]
    fn only_http_is_spoken() {
        for url in ["file:///etc/passwd", "ftp://h/x", "x", ""] {
            assert_eq!(expect_http(url).unwrap_err().kind(), ErrorKind::Refused, "{url}");
        }
        expect_http("HTTPS://h/x").unwrap();
    }
}
