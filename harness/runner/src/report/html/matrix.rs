//! Actor × resource. Colour says nothing that a sign does not say too.

use super::super::grid::{Grid, Mark, symbol, word};
use super::super::markup::Html;
use crate::expect::CellVerdict;

/// The class of a mark.
fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Leak => CellVerdict::UnexpectedAllow.word(),
        Mark::Missing => CellVerdict::UnexpectedDeny.word(),
        Mark::Gained => "gained",
        Mark::Lost => "lost",
    }
}

/// One moment as a table.
pub(super) fn write(grid: &Grid<'_>, out: &mut Html) {
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
                    let mark = grid.mark(row, column);
                    out.raw("<td class=\"")
                        .raw(mark.map_or(cell.verdict.word(), class))
                        .raw("\" title=\"")
                        .text(&format!(
                            "{row}, {column}: {}; read {}, search {}",
                            cell.verdict, cell.read, cell.search
                        ))
                        .raw("\">");
                    match mark {
                        Some(mark) => {
                            out.raw(mark.symbol()).raw(" ").raw(mark.word());
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
            CellVerdict::UnexpectedAllow => {
                "sees it, and no policy allows it, or the scenario says hidden"
            }
            CellVerdict::UnexpectedDeny => {
                "does not see it, and a policy allows it, or the scenario says visible"
            }
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
    for (mark, text) in [
        (
            Mark::Gained,
            "sees it as the policy says, and did not in the snapshot",
        ),
        (
            Mark::Lost,
            "does not see it as the policy says, and did in the snapshot",
        ),
    ] {
        out.raw("<li><span class=\"")
            .raw(class(mark))
            .raw("\">")
            .raw(mark.symbol())
            .raw(" ")
            .raw(mark.word())
            .raw("</span> ")
            .text(text)
            .raw("</li>\n");
    }
    out.raw("</ul>\n</section>\n");
}
