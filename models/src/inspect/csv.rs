//! A record as CSV: the numbers of the page, for other programs.

use super::Moments;
use std::fmt::Write;

/// Every quantity of every cell: `moment,cell,quantity,step,symbol,unit,value,gradient`.
pub fn trace_csv(moments: &Moments) -> String {
    let mut csv = String::from("moment,cell,quantity,step,symbol,unit,value,gradient\n");
    for (moment, record) in moments {
        for (cell, q) in record.cells.iter().flat_map(|cell| cell.quantities.iter().map(move |q| (cell, q))) {
            for (t, symbol) in cell.symbols.iter().enumerate() {
                let start = format!("{},{},{},{t},{}", field(moment), cell.name, q.name, field(symbol));
                for (unit, (value, grad)) in q.at(t).iter().zip(q.grad_at(t)).enumerate() {
                    let _ = writeln!(csv, "{start},{unit},{value},{grad}");
                }
            }
        }
    }
    csv
}

/// The norms of the parameters and of their gradients: `moment,parameter,norm,gradient`.
pub fn parameters_csv(moments: &Moments) -> String {
    let mut csv = String::from("moment,parameter,norm,gradient\n");
    for (moment, record) in moments {
        for p in &record.params {
            let _ = writeln!(csv, "{},{},{},{}", field(moment), field(&p.name), p.value, p.grad);
        }
    }
    csv
}

/// What every prediction is, and what it depends on:
/// `moment,prediction,found,probability,expected,step,symbol,dependence`.
pub fn dependence_csv(moments: &Moments) -> String {
    let mut csv = String::from("moment,prediction,found,probability,expected,step,symbol,dependence\n");
    for (moment, record) in moments {
        let symbols = record.cells.first().map_or(&[][..], |cell| &cell.symbols);
        for p in &record.predictions {
            let expected = p.expected.as_deref().unwrap_or_default();
            let (found, expected) = (field(&p.found), field(expected));
            let start = format!("{},{},{found},{},{expected}", field(moment), p.step, p.probability);
            for (t, (symbol, norm)) in symbols.iter().zip(&p.dependence).enumerate() {
                let _ = writeln!(csv, "{start},{t},{},{norm}", field(symbol));
            }
        }
    }
    csv
}

/// A field, in quotes where it must be: RFC 4180.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}
