//! Beside the path, for show: the built pages as bytes, carried in the program.
//!
//! In:    a path below `/ui/`.
//! Out:   the file's bytes, as it is and packed by brotli and gzip.
//! Never: opens a file, answers HTTP (`bellbuoy/src/api/pages.rs` does).
//! Holds: the pages are whole: `build.rs` ends the build where there is no index.html or no script.
//! Read:  build.rs; the pages themselves are in `ui/`.

use include_dir::{Dir, include_dir};

static BUILT: Dir = include_dir!("$OUT_DIR/ui");

/// One file of the pages.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    pub bytes: &'static [u8],
    /// The same, packed; only for texts.
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

/// The file at a path such as `assets/index-CeBbVGWi.js`.
pub fn asset(path: &str) -> Option<Asset> {
    let file = |name: &str| BUILT.get_file(name).map(|file| file.contents());
    let bytes = file(path).filter(|_| !path.ends_with(".br") && !path.ends_with(".gz"))?;
    Some(Asset { bytes, brotli: file(&format!("{path}.br")), gzip: file(&format!("{path}.gz")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_first_page_names_is_there() {
        let index = String::from_utf8(asset("index.html").unwrap().bytes.to_vec()).unwrap();
        let named: Vec<&str> = index.split('"').filter_map(|part| part.strip_prefix("./")).collect();
        assert!(named.iter().any(|path| path.ends_with(".js")) && named.iter().any(|path| path.ends_with(".css")), "{index}");
        for path in named {
            let file = asset(path).unwrap_or_else(|| panic!("{path} is not there"));
            assert!(!file.bytes.is_empty() && file.brotli.is_some() && file.gzip.is_some(), "{path}");
        }
        assert!(asset("index.html.gz").is_none() && asset("../Cargo.toml").is_none() && asset("assets").is_none());
    }
}
