//! Writes what arrives of one object.

use std::io::Write;
use std::path::PathBuf;

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use prost::bytes::Bytes;
use tonic::Status;

use super::uploads::blocking;
use crate::store::Store;
use crate::store::uploads::file;

/// How much may be lost to a power cut, bytes: so much is written between two calls of fsync.
const SYNC_EVERY: u64 = 8 * 1024 * 1024;

/// A partial file that is written to.
#[derive(Debug)]
pub(super) struct Partial {
    store: Store,
    id: Id,
    digest: Digest,
    path: PathBuf,
    open: Option<std::fs::File>,
    /// How much has arrived, bytes.
    pub(super) length: u64,
    synced: u64,
}

impl Partial {
    /// Opens the file, making it at first.
    pub(super) async fn open(store: &Store, id: Id, digest: Digest) -> Result<Self, Status> {
        let path = store.partial_path(id, &digest);
        let (open, length) = blocking(store, {
            let path = path.clone();
            move |store| {
                let open = store.open_partial(id, &digest)?;
                let length = open
                    .metadata()
                    .map_err(|error| file("look at", &path, error))?
                    .len();
                Ok((open, length))
            }
        })
        .await?;
        Ok(Self {
            store: store.clone(),
            id,
            digest,
            path,
            open: Some(open),
            length,
            synced: length,
        })
    }

    /// Writes at the end.
    pub(super) async fn append(&mut self, bytes: Bytes) -> Result<(), Status> {
        let added = bytes.len() as u64;
        let sync = self.length + added - self.synced >= SYNC_EVERY;
        self.with_file(move |open| {
            open.write_all(&bytes)?;
            if sync { open.sync_data() } else { Ok(()) }
        })
        .await?;
        self.length += added;
        if sync {
            self.synced = self.length;
        }
        Ok(())
    }

    /// Everything that was written is on the disk when this returns.
    pub(super) async fn sync(&mut self) -> Result<(), Status> {
        self.with_file(|open| open.sync_data()).await?;
        self.synced = self.length;
        Ok(())
    }

    /// Everything that arrived.
    pub(super) async fn read(&self) -> Result<Vec<u8>, Status> {
        let path = self.path.clone();
        blocking(&self.store, move |_| {
            std::fs::read(&path).map_err(|error| file("read", &path, error))
        })
        .await
    }

    /// Removes the file.
    pub(super) async fn remove(self) -> Result<(), Status> {
        let (id, digest) = (self.id, self.digest);
        blocking(&self.store, move |store| store.remove_partial(id, &digest)).await
    }

    async fn with_file(
        &mut self,
        work: impl FnOnce(&mut std::fs::File) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), Status> {
        let gone = || Status::internal("the file of an upload was lost after an earlier failure");
        let mut open = self.open.take().ok_or_else(gone)?;
        let path = self.path.clone();
        let open = blocking(&self.store, move |_| {
            work(&mut open).map_err(|error| file("write", &path, error))?;
            Ok(open)
        })
        .await?;
        self.open = Some(open);
        Ok(())
    }
}
