//! From a kubeconfig, or the pod's own service account, to clusters. What a kubeconfig wants run is run only where the
//! configuration says so.

use std::path::Path;
use std::time::Duration;

use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use portwright_core::{ConnectError, limits};

use super::cluster::Cluster;
use super::errors;
use super::{KubernetesPlan, Login};

/// The name of the one context that there is within a cluster.
const IN_CLUSTER: &str = "in-cluster";

/// The clusters of a plan: the default one first. That one is asked whether it is there.
pub(super) async fn open(plan: &KubernetesPlan) -> Result<Vec<Cluster>, ConnectError> {
    let clusters = match &plan.login {
        Login::InCluster => {
            let config = Config::incluster().map_err(|error| {
                ConnectError::new("no service account is mounted here: `in_cluster` works in a pod alone")
                    .because(error)
                    .at(plan.place.join("in_cluster"))
            })?;
            vec![cluster(IN_CLUSTER, config, plan).await?]
        }
        Login::Kubeconfig { path, context, exec } => {
            let kubeconfig = read(path, plan).await?;
            let current = context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
            let mut clusters = Vec::new();
            for name in std::iter::once(&current).chain(plan.contexts.iter().filter(|name| **name != current)) {
                check(&kubeconfig, name, *exec, plan)?;
                let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
                let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options).await.map_err(|error| {
                    ConnectError::new(format!("the kubeconfig's context `{name}` can't be used"))
                        .because(error)
                        .at(plan.place.join("kubeconfig"))
                })?;
                clusters.push(cluster(name, config, plan).await?);
            }
            clusters
        }
    };
    if let Some(first) = clusters.first() {
        let greeted = tokio::time::timeout(limits::CONNECT_WAIT, first.greet()).await;
        greeted
            .map_err(|_| ConnectError::new("the cluster does not answer"))?
            .map_err(|refusal| ConnectError::new(refusal.public().to_owned()).because(refusal))?;
    }
    Ok(clusters)
}

async fn read(path: &Path, plan: &KubernetesPlan) -> Result<Kubeconfig, ConnectError> {
    let place = plan.place.join("kubeconfig");
    let path = path.to_owned();
    let told = |words: String| ConnectError::new(words).at(place.clone());
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || {
        let size = std::fs::metadata(&path).map_err(|error| error.to_string())?;
        if !size.is_file() || size.len() > limits::KUBECONFIG_BYTES_MAX {
            return Err("it is no file, or a very large one".to_owned());
        }
        // What is wrong in it stands beside credentials: it is not told.
        Kubeconfig::read_from(&path).map_err(|_| "it is not a kubeconfig".to_owned())
    });
    match read.await {
        Ok(Ok(kubeconfig)) => Ok(kubeconfig),
        Ok(Err(words)) => Err(told(format!("the kubeconfig `{shown}` can't be read: {words}"))),
        Err(error) => Err(told("the kubeconfig can't be read".to_owned()).because(error)),
    }
}

/// What a context asks for and is not given.
fn check(kubeconfig: &Kubeconfig, name: &str, exec: bool, plan: &KubernetesPlan) -> Result<(), ConnectError> {
    let at = |key: &str| plan.place.join(key);
    let Some(context) = kubeconfig.contexts.iter().find(|context| context.name == name) else {
        let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
        let words = match name {
            "" => format!("the kubeconfig has no current context: set `context` to one of {}", known.join(", ")),
            _ => format!("the kubeconfig has no context `{name}`; it has {}", known.join(", ")),
        };
        return Err(ConnectError::new(words).at(at("context")));
    };
    let user = context.context.as_ref().and_then(|context| context.user.as_ref());
    let user = kubeconfig.auth_infos.iter().find(|info| Some(&info.name) == user);
    let Some(user) = user.and_then(|user| user.auth_info.as_ref()) else { return Ok(()) };
    if user.exec.is_some() && !exec {
        let words = format!(
            "the context `{name}` gets its credential from a program that the kubeconfig names: set `exec = true` to let \
             it run, or use a token or a certificate"
        );
        return Err(ConnectError::new(words).at(at("exec")));
    }
    if user.auth_provider.is_some() {
        let words = format!("the context `{name}` uses an `auth-provider`, which Kubernetes has given up: use `exec`");
        return Err(ConnectError::new(words).at(at("kubeconfig")));
    }
    Ok(())
}

async fn cluster(name: &str, mut config: Config, plan: &KubernetesPlan) -> Result<Cluster, ConnectError> {
    config.connect_timeout = Some(plan.timeout.min(limits::CONNECT_WAIT));
    // A watch is silent for long; every other request has its own end.
    config.read_timeout = None;
    config.write_timeout = Some(plan.timeout.max(Duration::from_secs(1)));
    // Whoever calls is told when to come again.
    config.default_retry = false;
    // Standard input may be a client's: a program that asks a person would read what is not meant for it.
    if let Some(exec) = &mut config.auth_info.exec {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    let namespace = config.default_namespace.clone();
    let unproven = config.accept_invalid_certs || config.cluster_url.scheme_str() == Some("http");
    // A program that gets the credential is waited for by the thread.
    let client = tokio::task::spawn_blocking(move || Client::try_from(config));
    let place = plan.place.join("kubeconfig");
    let client = client.await.map_err(|error| ConnectError::new("no client could be made").because(error))?;
    let client = client.map_err(|error| match error {
        kube::Error::Auth(error) => {
            let words = errors::no_credential(&error);
            ConnectError::new(format!("the context `{name}` can't be used: {words}")).at(place)
        }
        error => {
            let words = format!("the context `{name}` can't be used: its certificate, key or address is not in order");
            ConnectError::new(words).because(error).at(place)
        }
    })?;
    Ok(Cluster::new(name.to_owned(), namespace, client, plan.timeout, unproven))
}
