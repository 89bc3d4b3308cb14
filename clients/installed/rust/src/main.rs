//! The AWS SDK for Rust.
//!
//! usage: client version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::Client;
use std::error::Error;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

async fn seal(kms: &Client, key: &str, file: &Path, room: &str) -> Result<()> {
    let mut plaintext = Vec::new();
    io::stdin().read_to_end(&mut plaintext)?;
    let sealed = kms.encrypt().key_id(key).plaintext(Blob::new(plaintext)).encryption_context("room", room).send().await?;
    Ok(fs::write(file, sealed.ciphertext_blob().ok_or("Encrypt returned no ciphertext")?)?)
}

async fn open(kms: &Client, key: &str, file: &Path, room: &str) -> Result<()> {
    let blob = Blob::new(fs::read(file)?);
    let opened = kms.decrypt().key_id(key).ciphertext_blob(blob).encryption_context("room", room).send().await?;
    Ok(io::stdout().write_all(opened.plaintext().ok_or("Decrypt returned no plaintext")?.as_ref())?)
}

async fn run() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if args == ["version"] {
        println!("with aws-sdk-kms {}", aws_sdk_kms::meta::PKG_VERSION);
        return Ok(());
    }
    let kms = Client::new(&aws_config::load_from_env().await);
    match args[..] {
        ["seal", key, folder, room] => seal(&kms, key, &Path::new(folder).join("blob"), room).await,
        ["open", key, folder, room] => open(&kms, key, &Path::new(folder).join("blob"), room).await,
        _ => Err("usage: client version | seal KEY FOLDER ROOM | open KEY FOLDER ROOM".into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    // The text of an SDK error is "service error". Its source has the message of the service.
    let mut cause: Option<&dyn Error> = Some(&*error);
    while let Some(error) = cause {
        eprintln!("{error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
