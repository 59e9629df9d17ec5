//! The portal's files, as `cargo xtask portal` built them from `ui`. This crate holds bytes and knows nothing:
//! `api` serves them. A build without Node has none of them, and [`WITHOUT`] in their place.

/// A file of the portal.
#[derive(Debug)]
pub struct File {
    /// Its path below the portal's root: `index.html`, `assets/portal-0123456789ab.js`.
    pub name: &'static str,
    pub bytes: &'static [u8],
    /// The same, compressed (RFC 1952).
    pub gzip: &'static [u8],
}

impl File {
    /// What its ending says.
    pub fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The file at a path, without a slash before it.
pub fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

/// The page that all of the portal is. None where it was not built.
pub fn page() -> Option<&'static File> {
    file("index.html")
}

/// What stands at `/` when the portal was not built.
pub const WITHOUT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Sandglass</title>
<h1>Sandglass is running</h1>
<p>This binary was built without the portal. To add it, with Node 20 or later:</p>
<pre>cargo xtask portal
cargo build --workspace</pre>
<p>Without it there are the command line, <code>sandglass --help</code>, and the HTTP API under <code>/v1</code>.</p>
</html>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_names_is_there() {
        let Some(page) = page() else { return };
        let text = std::str::from_utf8(page.bytes).unwrap();
        let named: Vec<&str> = text
            .split('"')
            .filter_map(|piece| piece.strip_prefix('/'))
            .filter(|piece| piece.starts_with("assets/"))
            .collect();
        assert!(named.len() >= 3, "{text}");
        for name in named {
            let file = file(name).unwrap_or_else(|| panic!("{name}"));
            assert!(!file.gzip.is_empty() && file.content_type() != "application/octet-stream", "{name}");
        }
    }
}
