//! `kiosque openapi`: writes the OpenAPI document.

use std::path::PathBuf;

use clap::Args;

use crate::api::openapi::document_text;

#[derive(Args)]
pub struct Openapi {
    /// Write to this file instead of standard output
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Openapi {
    pub fn run(&self) -> Result<(), String> {
        super::write_out(self.out.as_ref(), &document_text()?)
    }
}
