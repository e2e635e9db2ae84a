//! Objects: content addressed by its SHA-256, equal content once.

use netghost_core::artifact::json::Digest;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{Error, Store};

impl Store {
    /// Keeps content and hands out its address. Content that is there already is not written again.
    pub async fn put_object(&self, bytes: Vec<u8>) -> Result<Digest, Error> {
        let digest = Digest::of(&bytes);
        let options = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes);
        match self.objects().put_opts(&path(&digest), payload, options).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(digest),
            Err(error) => Err(error.into()),
        }
    }

    /// The content at an address, its digest checked.
    pub async fn get_object(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let found = match self.objects().get(&path(digest)).await {
            Err(object_store::Error::NotFound { .. }) => return Err(Error::Missing { digest: *digest }),
            found => found?,
        };
        let bytes = found.bytes().await?;
        if Digest::of(&bytes) != *digest {
            return Err(Error::Damaged {
                what: format!("object {digest}"),
            });
        }
        Ok(bytes.into())
    }

    /// True if there is content at an address. Whether it is still what was written is checked when it is read.
    pub async fn has_object(&self, digest: &Digest) -> Result<bool, Error> {
        match self.objects().head(&path(digest)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// `sha256/ab/cdef…`, as the command's own store lays objects out.
pub fn path(digest: &Digest) -> Path {
    let text = digest.to_string();
    let (first, rest) = text.split_at(2);
    Path::from_iter(["sha256", first, rest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_comes_back_as_it_was_or_not_at_all() {
        let directory = std::env::temp_dir().join(format!("netghost-objects-{}", std::process::id()));
        let store = Store::open(&directory, None).await.unwrap();
        let digest = store.put_object(b"content".to_vec()).await.unwrap();
        assert_eq!(store.put_object(b"content".to_vec()).await.unwrap(), digest);
        assert_eq!(store.get_object(&digest).await.unwrap(), b"content");
        let other = Digest::of(b"other");
        assert!(!store.has_object(&other).await.unwrap());
        assert!(matches!(
            store.get_object(&other).await,
            Err(Error::Missing { digest }) if digest == other
        ));
        let file = directory.join("objects").join(path(&digest).as_ref());
        std::fs::write(&file, "Content").unwrap();
        assert!(store.has_object(&digest).await.unwrap());
        assert!(matches!(
            store.get_object(&digest).await,
            Err(Error::Damaged { .. })
        ));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
