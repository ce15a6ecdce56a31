//! Text made safe to stand in a page.

/// Text as it stands between tags or in an attribute. What a peer sent may be in it.
pub(super) fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\n' | '\t' => safe.push(c),
            // HTML knows no control characters; Unicode has pictures of them.
            '\0'..='\x1f' => safe.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(' ')),
            '\x7f'..='\u{9f}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(super::text("a<b> & \"c\" 'd'\x1b[31m"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;␛[31m");
    }
}
