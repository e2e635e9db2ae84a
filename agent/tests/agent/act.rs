//! A process that acts as the test says.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netghost_core::artifact::json;
use netghost_core::gate::{Answer, Demand};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::controller::SOON;

/// What is answered to a demand: nothing where the connection breaks off.
type Answers = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>> + Send>;

pub(crate) struct Acts {
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Drop for Acts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Acts {
    /// Listens at a path; each demand is answered by what this says.
    pub(crate) fn at(path: &Path, mut answer: impl FnMut(Demand) -> Option<Answer> + Send + 'static) -> Self {
        Self::raw(
            path,
            Box::new(move |bytes| {
                let demand = json::from_slice(bytes).unwrap();
                answer(demand).map(|answer| json::to_vec(&answer).unwrap())
            }),
        )
    }

    pub(crate) fn raw(path: &Path, answers: Answers) -> Self {
        drop(std::fs::remove_file(path));
        let listener = UnixListener::bind(path).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (heard.clone(), Arc::new(Mutex::new(answers)));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), answers.clone()));
            }
        });
        Self { heard, task }
    }

    /// The demands that came, by their kinds.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kind = |bytes: &Vec<u8>| {
            let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            value["demand"].as_str().unwrap().to_owned()
        };
        self.heard.lock().unwrap().iter().map(kind).collect()
    }

    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) async fn hears(&self, kind: &str) {
        let end = Instant::now() + SOON;
        while !self.kinds().iter().any(|heard| heard == kind) {
            assert!(Instant::now() < end, "no {kind}: {:?}", self.kinds());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(mut stream: UnixStream, seen: Arc<Mutex<Vec<Vec<u8>>>>, answers: Arc<Mutex<Answers>>) {
    let Ok(length) = stream.read_u32().await else {
        return;
    };
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut bytes).await.unwrap();
    seen.lock().unwrap().push(bytes.clone());
    let answer = answers.lock().unwrap()(&bytes);
    if let Some(answer) = answer {
        stream
            .write_u32(u32::try_from(answer.len()).unwrap())
            .await
            .unwrap();
        stream.write_all(&answer).await.unwrap();
    }
}
