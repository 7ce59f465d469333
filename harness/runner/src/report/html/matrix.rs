//! Actor × resource. Colour says nothing that a sign does not say too.

use super::super::event::SightChange;
use super::super::grid::{Grid, symbol, word};
use super::super::markup::Html;
use crate::expect::CellVerdict;

/// What somebody sees and did not see in the snapshot.
const GAINED: (&str, &str) = ("gained", "⚠ GAINED");
/// What somebody saw in the snapshot and sees no more.
const LOST: (&str, &str) = ("lost", "✗ LOST");

/// The class and the sign of a change.
fn change_sign(change: &SightChange) -> (&'static str, &'static str) {
    if change.is.exceeds(change.was) {
        GAINED
    } else {
        LOST
    }
}

/// One moment as a table; `changes` are against the snapshot.
pub(super) fn write(grid: &Grid<'_>, changes: &[&SightChange], out: &mut Html) {
    out.raw("<div class=\"scroll\" tabindex=\"0\">\n<table border=\"1\">\n<thead><tr><th></th>");
    for column in &grid.columns {
        out.raw("<th scope=\"col\">").text(column).raw("</th>");
    }
    out.raw("</tr></thead>\n<tbody>\n");
    for row in &grid.rows {
        out.raw("<tr><th scope=\"row\">").text(row).raw("</th>");
        for column in &grid.columns {
            match grid.cell(row, column) {
                Some(cell) => {
                    let change = changes
                        .iter()
                        .find(|change| change.actor == *row && change.resource == *column)
                        .filter(|_| !cell.verdict.is_wrong())
                        .map(|change| change_sign(change));
                    out.raw("<td class=\"")
                        .raw(change.map_or(cell.verdict.word(), |(class, _)| class))
                        .raw("\" title=\"")
                        .text(&format!(
                            "{row}, {column}: {}; read {}, search {}",
                            cell.verdict, cell.read, cell.search
                        ))
                        .raw("\">");
                    match change {
                        Some((_, sign)) => {
                            out.raw(sign);
                        }
                        None => {
                            out.raw(symbol(cell.verdict));
                            if !cell.verdict.is_expected() {
                                out.raw(" ").raw(word(cell.verdict));
                            }
                        }
                    }
                    out.raw("</td>");
                }
                None => {
                    out.raw("<td></td>");
                }
            }
        }
        out.raw("</tr>\n");
    }
    out.raw("</tbody>\n</table>\n</div>\n");
}

/// What the signs mean.
pub(super) fn legend(out: &mut Html) {
    out.raw("<section>\n<h2>Signs</h2>\n<ul class=\"legend\">\n");
    for verdict in CellVerdict::ALL {
        let text = match verdict {
            CellVerdict::ExpectedAllow => "sees it, as the policy says",
            CellVerdict::ExpectedDeny => "does not see it, as the policy says",
            CellVerdict::UnexpectedAllow => "sees it, and no policy allows it",
            CellVerdict::UnexpectedDeny => "does not see it, and a policy allows it",
            CellVerdict::Departure => {
                "not as the policy says, but as such servers are known to answer, and accepted"
            }
            CellVerdict::Error => "no usable answer",
            CellVerdict::Skipped => "not asked",
            CellVerdict::Inconclusive => {
                "nothing is proved: the administrator does not see it either"
            }
        };
        out.raw("<li><span class=\"")
            .raw(verdict.word())
            .raw("\">")
            .raw(symbol(verdict));
        if !verdict.is_expected() {
            out.raw(" ").raw(word(verdict));
        }
        out.raw("</span> ").text(text).raw("</li>\n");
    }
    for ((class, sign), text) in [
        (
            GAINED,
            "sees it as the policy says, and did not in the snapshot",
        ),
        (
            LOST,
            "does not see it as the policy says, and did in the snapshot",
        ),
    ] {
        out.raw("<li><span class=\"")
            .raw(class)
            .raw("\">")
            .raw(sign)
            .raw("</span> ")
            .text(text)
            .raw("</li>\n");
    }
    out.raw("</ul>\n</section>\n");
}
