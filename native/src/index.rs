//! Fetches a wheel straight from a package index, for machines without Python or pip.
//!
//! An index answers `GET <base>/<package>/` with a page of links (PEP 503) or with JSON (PEP 691). In both a file's address stands in
//! quotes and ends with the file's name, so that is what is looked for; the pinned SHA-256 decides whether it was the right one.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use ureq::{
    Agent,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::{
    error::{Error, ErrorKind, Result},
    options::{LoadOptions, Progress},
    progress,
    wheel::Wheel,
};

const CONNECT: Duration = Duration::from_secs(20);
/// For a whole answer: a wheel of 17 MB in this time needs 30 kB/s.
const DEADLINE: Duration = Duration::from_secs(10 * 60);
/// A page of links is some kilobytes; PyPI's longest are a few megabytes.
const PAGE_LIMIT: u64 = 32 << 20;
/// More than any wheel this project pins.
const WHEEL_LIMIT: u64 = 1 << 30;

/// Downloads the wheel into `work`. The caller checks its SHA-256.
pub(crate) fn download(wheel: &Wheel<'_>, work: &Path, options: &LoadOptions) -> Result<PathBuf> {
    let agent = agent()?;
    let page_url = format!("{}/{}/", options.index(), wheel.package);
    let page = get_page(&agent, &page_url)?;
    let name = wheel.file_name();
    let link = find_link(&page, &name).ok_or_else(|| {
        Error::new(
            ErrorKind::Network,
            format!(
                "{} has no {name}; set DUOLOGUE_INDEX_URL to an index that has it",
                without_secrets(&page_url)
            ),
        )
    })?;
    let path = work.join(&name);
    save(&agent, &join(&page_url, &link), &path, wheel.bytes, options)?;
    Ok(path)
}

fn agent() -> Result<Agent> {
    let tls = TlsConfig::builder().root_certs(root_certs()?).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(DEADLINE))
        .user_agent(concat!("duologue/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.into())
}

/// pip's own variables for a company's certificates first, else the system's store.
fn root_certs() -> Result<RootCerts> {
    let named = ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];
    let Some(path) = named.iter().find_map(std::env::var_os).filter(|p| !p.is_empty()).map(PathBuf::from)
    else {
        return Ok(RootCerts::PlatformVerifier);
    };
    let pem = std::fs::read(&path).map_err(|e| Error::io("cannot read the certificates in", &path, &e))?;
    let certs = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(cert)) => Some(cert),
        _ => None,
    });
    Ok(RootCerts::new_with_certs(&certs.collect::<Vec<_>>()))
}

fn get_page(agent: &Agent, url: &str) -> Result<String> {
    let mut answer = agent
        .get(url)
        .header(
            "Accept",
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.9, text/html;q=0.8",
        )
        .call()
        .map_err(|e| unreachable(url, &e))?;
    let mut page = Vec::new();
    let mut body = answer.body_mut().as_reader().take(PAGE_LIMIT);
    body.read_to_end(&mut page).map_err(|e| unreachable(url, &e))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn save(agent: &Agent, url: &str, path: &Path, expected: Option<u64>, options: &LoadOptions) -> Result<()> {
    let mut answer = agent.get(url).call().map_err(|e| unreachable(url, &e))?;
    let total = answer.body().content_length().or(expected);
    let limit = expected.unwrap_or(WHEEL_LIMIT);
    let mut file = File::create(path).map_err(|e| Error::io("cannot create", path, &e))?;
    // One byte more than allowed shows that there is too much.
    let mut body = answer.body_mut().as_reader().take(limit + 1);
    let mut block = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = match body.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(unreachable(url, &e)),
        };
        file.write_all(&block[..n]).map_err(|e| Error::io("cannot write", path, &e))?;
        bytes += n as u64;
        progress::tell(options, Progress::Received { bytes, total });
    }
    if bytes > limit {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "{} is longer than the {limit} bytes it should have; try another index",
                without_secrets(url)
            ),
        ));
    }
    file.flush().map_err(|e| Error::io("cannot write", path, &e))
}

fn unreachable(url: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Network,
        format!(
            "cannot fetch {}: {error}; check the network, HTTPS_PROXY and DUOLOGUE_INDEX_URL, or run `duologue fetch` elsewhere and copy the \
             cache",
            without_secrets(url)
        ),
    )
}

/// The address in quotes that ends with `/name` or is `name`, without its fragment or query.
fn find_link(page: &str, name: &str) -> Option<String> {
    page.split(['"', '\'']).find_map(|quoted| {
        let address = quoted.split(['#', '?']).next()?;
        let is_it =
            address.strip_suffix(name).is_some_and(|before| before.ends_with('/') && !before.is_empty());
        is_it.then(|| quoted.split('#').next().unwrap_or(address).replace("&amp;", "&"))
    })
}

/// An address as it stands on a page, made absolute (RFC 3986, as far as links to files go).
fn join(page: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let (scheme, rest) = page.split_once("://").unwrap_or(("https", page));
    if let Some(host_and_path) = link.strip_prefix("//") {
        return format!("{scheme}://{host_and_path}");
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if link.starts_with('/') {
        return format!("{scheme}://{host}{link}");
    }
    // The page's address ends with a slash, so its last, empty segment is what the link replaces.
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

/// Replaces `user:password@` in every address of a text.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c.is_whitespace() || c == '"').unwrap_or(part.len());
        let (authority, rest) = part.split_at(end);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        clean = clean + "://" + host + rest;
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "x-1-py3-none-any.whl";

    #[test]
    fn html_page_of_links_is_understood() {
        let page = format!(
            r#"<a href="../../files/y-{NAME}">y</a><a href="../../files/ab/{NAME}#sha256=00" data-x="">{NAME}</a>"#
        );
        let link = find_link(&page, NAME).unwrap();
        assert_eq!(join("https://h/api/simple/x/", &link), format!("https://h/api/files/ab/{NAME}"));
    }

    #[test]
    fn json_page_is_understood() {
        let page = format!(
            r#"{{"files":[{{"filename":"{NAME}","hashes":{{"sha256":"0"}},"url":"https://f/p/{NAME}"}}]}}"#
        );
        assert_eq!(find_link(&page, NAME).unwrap(), format!("https://f/p/{NAME}"));
    }

    #[test]
    fn single_quotes_are_understood() {
        let page = format!("<a href='../files/{NAME}'>{NAME}</a>");
        assert_eq!(find_link(&page, NAME).unwrap(), format!("../files/{NAME}"));
    }

    #[test]
    fn package_that_is_not_there_is_not_found() {
        assert_eq!(find_link(r#"<a href="../x-2-py3-none-any.whl">"#, NAME), None);
    }

    #[test]
    fn links_are_joined_as_browsers_do() {
        for (link, want) in [
            ("/a/b.whl", "http://h:1/a/b.whl"),
            ("//g/b.whl", "http://g/b.whl"),
            ("b.whl", "http://h:1/simple/x/b.whl"),
            ("./b.whl", "http://h:1/simple/x/b.whl"),
            ("../../../../b.whl", "http://h:1/b.whl"),
        ] {
            assert_eq!(join("http://h:1/simple/x/", link), want);
        }
    }

    #[test]
    fn secrets_never_reach_a_message() {
        let text = "a https://u:p@h/x and http://u@h2 or https://h3/@y";
        assert_eq!(without_secrets(text), "a https://h/x and http://h2 or https://h3/@y");
    }
}
