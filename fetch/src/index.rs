//! Fetches a wheel straight from a package index, for machines without Python or pip.
//!
//! An index answers `GET <base>/<package>/` with a page of links (PEP 503) or with JSON (PEP 691). In both a file's address stands in
//! quotes and ends with the file's name, so that is what is looked for; the pinned SHA-256 decides whether it was the right one.

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, ErrorKind, Result},
    http::{self, Download},
    options::FetchOptions,
    wheel::Wheel,
};

const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.9, text/html;q=0.8";

/// Downloads the wheel into `work` and checks its sum.
pub(crate) fn download(wheel: &Wheel<'_>, work: &Path, options: &FetchOptions) -> Result<PathBuf> {
    let page_url = format!("{}/{}/", options.index()?, wheel.package);
    let page = http::page(&page_url, ACCEPT, options).map_err(advise)?;
    let name = wheel.file_name();
    let link = find_link(&page, &name).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("{page_url} has no {name}"))
            .with_remedy("set DUOLOGUE_INDEX_URL to an index that has it")
    })?;
    let path = work.join(&name);
    let url = http::join(&page_url, &link);
    let file = Download { url: &url, bytes: wheel.bytes, sha256: wheel.sha256, dest: &path };
    http::download(file, work, options).map_err(advise)?;
    Ok(path)
}

/// The remedies that an index has beside those of any server.
fn advise(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Corrupt => {
            error.with_remedy("the index or something on the way changed it, try another index")
        }
        ErrorKind::Network | ErrorKind::Timeout | ErrorKind::NotFound | ErrorKind::Refused => error.with_remedy(
            "check the network, HTTPS_PROXY and DUOLOGUE_INDEX_URL, or run `duologue fetch` elsewhere and copy the cache",
        ),
        _ => error,
    }
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
        assert_eq!(http::join("https://h/api/simple/x/", &link), format!("https://h/api/files/ab/{NAME}"));
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
}
