//! The sources as the checks read them.

/// The lines of a file without comments and without items that are for tests alone.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]") {
            code += &format!("{line}\n");
            continue;
        }
        // The item ends with its line, or with the bracket that closes it, as rustfmt puts them.
        let indent = line.len() - line.trim_start().len();
        let first = lines.by_ref().find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
        if first.ends_with('{') {
            let end = format!("{}}}", " ".repeat(indent));
            lines.by_ref().find(|line| *line == end);
        } else if !first.ends_with(';') && !first.ends_with('}') {
            lines.by_ref().find(|line| line.ends_with(';'));
        }
    }
    code
}
