//! A digest as text, as HTML, and its days as a chart.

use crate::digest::{Digest, Sum, DAYS};
use std::fmt::Write;

pub fn text(title: &str, summary: &str, digest: &Digest) -> String {
    let mut text = format!("{title}\n{summary}\n\n");
    for (name, sum) in digest.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:>12.2}  {:>8}  {name}", sum.value, sum.rows);
    }
    text
}

pub fn html(title: &str, summary: &str, digest: &Digest) -> String {
    let mut rows = String::new();
    for (name, sum) in digest.lines() {
        let _ = write!(
            rows,
            "<tr><td style=\"padding:4px 16px 4px 0\">{}</td><td align=\"right\" style=\"padding:4px 16px\">{}</td>\
             <td align=\"right\" style=\"padding:4px 0 4px 16px\">{:.2}</td></tr>\n",
            escaped(&name),
            sum.rows,
            sum.value
        );
    }
    format!(
        "<!doctype html>\n<html><body style=\"font-family:sans-serif\">\n<h1 style=\"font-size:18px\">{}</h1>\n\
         <p>{}</p>\n<table style=\"border-collapse:collapse\">\n<tr><th align=\"left\">group</th>\
         <th align=\"right\">rows</th><th align=\"right\">sum</th></tr>\n{rows}</table>\n</body></html>\n",
        escaped(title),
        escaped(summary)
    )
}

/// A bar for each day, as SVG.
pub fn chart(names: &[String], days: &[Sum; DAYS]) -> String {
    const WIDTH: f64 = 48.0;
    const HEIGHT: f64 = 120.0;
    let most = days.iter().map(|day| day.value).fold(0.0, f64::max);
    let mut bars = String::new();
    for (at, (name, day)) in names.iter().zip(days).enumerate() {
        let height = if most > 0.0 { HEIGHT * day.value.max(0.0) / most } else { 0.0 };
        let (left, middle) = (at as f64 * WIDTH, (at as f64 + 0.5) * WIDTH);
        let _ = write!(
            bars,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"#2563a8\"/>\
             <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            left + 4.0,
            HEIGHT - height,
            WIDTH - 8.0,
            HEIGHT + 14.0,
            escaped(&name[5..]),
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"sans-serif\" \
         font-size=\"10\">\n{bars}</svg>\n",
        WIDTH * DAYS as f64,
        HEIGHT + 20.0
    )
}

/// What others wrote, as text of HTML and SVG.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
