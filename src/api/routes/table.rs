//! The routes of each resource are said once: the router is made of them, and with the feature `openapi` their description.

/// Declares the routes of a resource: path, summary, method, handler, and what is asked and answered, by the methods of
/// [`Description`](crate::api::openapi::Description).
macro_rules! routes {
    ($($path:literal {
        $($(#[doc = $summary:literal])+ $method:ident $handler:ident: $($said:ident $(::<$type:ty>)? ($($argument:expr),*)),+;)+
    })+) => {
        pub(super) fn routes() -> axum::Router<Arc<Front>> {
            axum::Router::new()$(.route($path, axum::routing::MethodRouter::new()$(.$method($handler))+))+
        }

        #[cfg(feature = "openapi")]
        pub(super) fn describe(api: &mut crate::api::openapi::Description) {
            $($(
                api.operation($path, stringify!($method), concat!($($summary),+));
                $(api.$said$(::<$type>)?($($argument),*);)+
            )+)+
        }
    };
}

/// Declares all resources, in the order in which they are described.
macro_rules! resources {
    ($($resource:ident),+ $(,)?) => {
        fn with_resources(routes: Router<Arc<Front>>) -> Router<Arc<Front>> {
            routes$(.merge($resource::routes()))+
        }

        #[cfg(feature = "openapi")]
        pub(super) fn describe(api: &mut crate::api::openapi::Description) {
            $($resource::describe(api);)+
        }
    };
}
