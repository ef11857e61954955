//! SVG to PNG, with fonts of our own: a server has none, and the same alert looks the same everywhere.

/// `None` when it can not be drawn, or in a program that was built without pictures.
#[cfg(feature = "pictures")]
pub fn png(svg: &str) -> Option<Vec<u8>> {
    use std::sync::{Arc, LazyLock};

    use resvg::{tiny_skia, usvg};

    static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
        Arc::new(fonts)
    });
    let options = usvg::Options { fontdb: FONTS.clone(), font_family: "Ubuntu".into(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).ok()?;
    let size = tree.size().to_int_size();
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())?;
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().ok()
}

#[cfg(not(feature = "pictures"))]
pub fn png(_: &str) -> Option<Vec<u8>> {
    None
}

#[cfg(all(test, feature = "pictures"))]
mod tests {
    use super::*;

    #[test]
    fn letters_are_drawn() {
        let frame = |text: &str| {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"30\" font-family=\"Ubuntu\"><text y=\"20\">{text}</text></svg>"
            );
            png(&svg).expect("a picture")
        };
        assert!(frame("Drift").starts_with(b"\x89PNG"));
        assert_ne!(frame("Drift"), frame(""));
        assert_eq!(png("no svg"), None);
    }
}
