//! Signatures in the format of [minisign](https://jedisct1.github.io/minisign/).

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use minisign::{SecretKey, SecretKeyBox};
use minisign_verify::{PublicKey, Signature};

use crate::error::{Error, Result, system};
use crate::packing::sides;
use crate::shell::write_whole;

/// The variable with the public key, or with the path of a file that has it.
pub const PUBLIC_KEY: &str = "BAREFLOW_PUBLIC_KEY";
/// How a trusted comment names the file that was signed.
const FILE: &str = "file:";

/// The key that archives of other caches must be signed with.
#[derive(Clone, Debug)]
pub struct Trust(PublicKey);

impl Trust {
    /// What is configured; `None` if nothing is.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is no key.
    pub fn from_environment() -> Result<Option<Self>> {
        match env::var(PUBLIC_KEY) {
            Ok(value) if !value.is_empty() => Self::parse(&value).map(Some),
            Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
            Err(error) => Err(Error::Usage(format!("{PUBLIC_KEY}: {error}"))),
        }
    }

    /// From a key in base 64, or the path of a file with one, as minisign writes it.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is neither.
    pub fn parse(key_or_path: &str) -> Result<Self> {
        PublicKey::from_base64(key_or_path)
            .or_else(|_| PublicKey::from_file(key_or_path))
            .map(Self)
            .map_err(|error| {
                Error::Usage(format!(
                    "{PUBLIC_KEY}: {key_or_path:?} is neither a public key of minisign nor a file with one: {error}"
                ))
            })
    }

    /// Checks the signature that lies beside an archive.
    ///
    /// # Errors
    /// [`Error::Untrusted`] when there is none, or it is of another key, of other bytes, or of another file.
    pub fn check(&self, archive: &Path) -> Result<()> {
        let refused = |reason: String| Error::Untrusted {
            archive: archive.to_owned(),
            reason,
        };
        let path = sides::beside(archive, sides::SIGNATURE);
        let text = fs::read_to_string(&path).map_err(|error| {
            refused(format!(
                "its signature {} is not there: {error}",
                path.display()
            ))
        })?;
        self.check_text(archive, &text).map_err(refused)
    }

    fn check_text(&self, archive: &Path, text: &str) -> std::result::Result<(), String> {
        let failed = |error: minisign_verify::Error| format!("its signature is not good: {error}");
        let signature = Signature::decode(text).map_err(failed)?;
        let mut verifier = self.0.verify_stream(&signature).map_err(failed)?;
        let mut file = File::open(archive).map_err(|error| error.to_string())?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).map_err(|error| error.to_string())? {
                0 => break,
                count => verifier.update(&buffer[..count]),
            }
        }
        verifier.finalize().map_err(failed)?;
        // The comment is signed, too: an older package must not be taken for this one. Other signers need not say it.
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        let signed = signature
            .trusted_comment()
            .split('\t')
            .find_map(|part| part.strip_prefix(FILE));
        match signed {
            Some(signed) if signed != name => Err(format!("its signature is of {signed}")),
            _ => Ok(()),
        }
    }
}

/// Signs files.
pub struct Signer(SecretKey);

impl Signer {
    /// With the secret key in a file, as minisign writes it; one that has a password needs it.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is no key, or the password is another.
    pub fn from_file(path: &Path, password: Option<String>) -> Result<Self> {
        let text =
            fs::read_to_string(path).map_err(system(format!("cannot read {}", path.display())))?;
        let unusable = |error: minisign::PError| {
            Error::Usage(format!(
                "{} cannot be used as a secret key: {error}",
                path.display()
            ))
        };
        let read = || SecretKeyBox::from_string(&text).map_err(unusable);
        let key = match password {
            // Without one the library would ask the terminal, and nobody is there.
            None => read()?.into_unencrypted_secret_key(),
            password => read()?.into_secret_key(password),
        };
        key.map(Self).map_err(unusable)
    }

    /// Writes the signature of a file beside it.
    ///
    /// # Errors
    /// When the file cannot be read or the signature cannot be written.
    pub fn sign(&self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = File::open(path).map_err(system(format!("cannot read {}", path.display())))?;
        let signature = minisign::sign(
            None,
            &self.0,
            file,
            Some(&format!("{FILE}{name}")),
            Some("signature of BareFlow"),
        )
        .map_err(|error| Error::Build(format!("cannot sign {}: {error}", path.display())))?;
        let text = signature.into_string();
        write_whole(&sides::beside(path, sides::SIGNATURE), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    struct Keys {
        folder: tempfile::TempDir,
        public: String,
    }

    impl Keys {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let pair = KeyPair::generate_unencrypted_keypair().unwrap();
            let secret = pair.sk.to_box(None).unwrap().into_string();
            fs::write(folder.path().join("secret"), secret).unwrap();
            let public = pair.pk.to_box().unwrap().into_string();
            fs::write(folder.path().join("public"), public).unwrap();
            Self {
                public: pair.pk.to_base64(),
                folder,
            }
        }

        fn signer(&self) -> Signer {
            Signer::from_file(&self.folder.path().join("secret"), None).unwrap()
        }

        fn trust(&self) -> Trust {
            Trust::parse(&self.public).unwrap()
        }
    }

    #[track_caller]
    fn refused(result: Result<()>, reason: &str) {
        let error = result.unwrap_err();
        assert_eq!(error.exit_code(), 103);
        assert!(error.to_string().contains(reason), "{error}");
    }

    #[test]
    fn what_is_signed_is_trusted_by_its_key_alone() {
        let keys = Keys::new();
        let archive = keys.folder.path().join("a.tar.zst");
        fs::write(&archive, vec![7; 3 << 20]).unwrap();
        refused(keys.trust().check(&archive), "is not there");
        keys.signer().sign(&archive).unwrap();
        keys.trust().check(&archive).unwrap();
        let path = keys.folder.path().join("public");
        Trust::parse(&path.to_string_lossy())
            .unwrap()
            .check(&archive)
            .unwrap();
        refused(Keys::new().trust().check(&archive), "not good");
    }

    #[test]
    fn one_other_bit_or_another_name_is_refused() {
        let keys = Keys::new();
        let archive = keys.folder.path().join("a.tar.zst");
        let mut bytes = vec![7; 3 << 20];
        fs::write(&archive, &bytes).unwrap();
        keys.signer().sign(&archive).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&archive, &bytes).unwrap();
        refused(keys.trust().check(&archive), "not good");
        *bytes.last_mut().unwrap() ^= 1;
        let other = keys.folder.path().join("b.tar.zst");
        fs::write(&other, &bytes).unwrap();
        fs::copy(
            sides::beside(&archive, sides::SIGNATURE),
            sides::beside(&other, sides::SIGNATURE),
        )
        .unwrap();
        refused(keys.trust().check(&other), "is of a.tar.zst");
    }

    #[test]
    fn a_damaged_signature_is_refused() {
        let keys = Keys::new();
        let archive = keys.folder.path().join("a.tar.zst");
        fs::write(&archive, "bytes").unwrap();
        keys.signer().sign(&archive).unwrap();
        let path = sides::beside(&archive, sides::SIGNATURE);
        let text = fs::read_to_string(&path).unwrap();
        // The comment is signed as the bytes are.
        for (from, to) in [("file:a.tar.zst", "file:a.tar.zs_"), ("trusted", "tru")] {
            fs::write(&path, text.replacen(from, to, 2)).unwrap();
            refused(keys.trust().check(&archive), "not good");
        }
        fs::write(&path, "").unwrap();
        refused(keys.trust().check(&archive), "not good");
    }

    #[test]
    fn what_is_no_key_is_said() {
        let error = Trust::parse("nonsense").unwrap_err();
        assert_eq!(error.exit_code(), 105);
        assert!(error.to_string().contains(PUBLIC_KEY), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "nonsense").unwrap();
        assert_eq!(
            Signer::from_file(&path, None).err().unwrap().exit_code(),
            105
        );
    }

    #[test]
    fn a_key_with_a_password_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let pair = KeyPair::generate_encrypted_keypair(Some("password".to_owned())).unwrap();
        let secret = pair.sk.to_box(None).unwrap();
        fs::write(&path, secret.into_string()).unwrap();
        assert!(Signer::from_file(&path, None).is_err());
        assert!(Signer::from_file(&path, Some("other".to_owned())).is_err());
        Signer::from_file(&path, Some("password".to_owned())).unwrap();
    }
}
