//! A Qdrant server for tests: the real wire protocol by the client crate's own
//! server traits, over exact search in memory, with failures on demand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::{Points, PointsServer};
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{self as wire};
use qdrant_client::qdrant::{
    CollectionConfig, CollectionDescription, CollectionInfo, CollectionParams, CountResult, RetrievedPoint,
    ScoredPoint, UpdateResult, VectorsConfig, query, vector, vector_input, vectors,
};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A running server; dropping it stops it.
pub(super) struct Server {
    state: Arc<State>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct State {
    collections: Mutex<BTreeMap<String, Collection>>,
    failures: AtomicUsize,
    away: AtomicBool,
    upserts: AtomicUsize,
}

struct Collection {
    vectors: Option<VectorsConfig>,
    indexed: Vec<String>,
    points: BTreeMap<u64, (Vec<f32>, i64)>,
}

impl Server {
    pub(super) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let guard = runtime.enter();
        let server = tonic::transport::Server::builder()
            .add_service(CollectionsServer::new(Shared(Arc::clone(&state))))
            .add_service(PointsServer::new(Shared(Arc::clone(&state))))
            .serve_with_incoming_shutdown(TcpIncoming::from(listener), async {
                let _ = stopped.await;
            });
        drop(guard);
        runtime.spawn(server);
        Self { state, address, stop: Some(stop), _runtime: runtime }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `count` requests are answered with "unavailable".
    pub(super) fn fail_next(&self, count: usize) {
        self.state.failures.store(count, Ordering::SeqCst);
    }

    /// Answers nothing but "unavailable" until told otherwise.
    pub(super) fn set_away(&self, away: bool) {
        self.state.away.store(away, Ordering::SeqCst);
    }

    /// Number of upsert requests that were carried out.
    pub(super) fn upserts(&self) -> usize {
        self.state.upserts.load(Ordering::SeqCst)
    }

    pub(super) fn indexed_fields(&self) -> Vec<String> {
        self.state.collections.lock().unwrap().values().flat_map(|c| c.indexed.clone()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

struct Shared(Arc<State>);

impl Shared {
    /// Every request passes here: the key is checked, failures are played.
    fn admit<T>(&self, request: Request<T>) -> Result<T, Status> {
        if self.0.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away for a test"));
        }
        let take = |left: usize| left.checked_sub(1);
        if self.0.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return Err(Status::unavailable("failing for a test"));
        }
        match request.metadata().get("api-key").map(|key| key.to_str()) {
            Some(Ok("secret")) => Ok(request.into_inner()),
            _ => Err(Status::permission_denied("wrong key")),
        }
    }

    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Collection) -> T) -> Result<T, Status> {
        let mut collections = self.0.collections.lock().unwrap();
        collections.get_mut(name).map(work).ok_or_else(|| Status::not_found(format!("no collection {name}")))
    }
}

fn updated() -> Response<wire::PointsOperationResponse> {
    let result = Some(UpdateResult { operation_id: Some(0), status: wire::UpdateStatus::Completed.into() });
    Response::new(wire::PointsOperationResponse { result, ..Default::default() })
}

fn id(point: Option<&wire::PointId>) -> Result<u64, Status> {
    match point.and_then(|point| point.point_id_options.as_ref()) {
        Some(wire::point_id::PointIdOptions::Num(id)) => Ok(*id),
        _ => Err(Status::invalid_argument("only numbers are ids here")),
    }
}

fn dense(point: &wire::PointStruct) -> Option<Vec<f32>> {
    let vectors::VectorsOptions::Vector(stored) = point.vectors.as_ref()?.vectors_options.as_ref()? else {
        return None;
    };
    match stored.vector.as_ref()? {
        vector::Vector::Dense(dense) => Some(dense.data.clone()),
        _ => None,
    }
}

/// The collections that a filter lets through; none for all.
fn wanted(filter: Option<&wire::Filter>) -> Result<Option<Vec<i64>>, Status> {
    let Some(filter) = filter else { return Ok(None) };
    match filter.must.as_slice() {
        [condition] => match &condition.condition_one_of {
            Some(ConditionOneOf::Field(field)) if field.key == "collection" => {
                match field.r#match.as_ref().and_then(|m| m.match_value.as_ref()) {
                    Some(MatchValue::Integers(list)) => Ok(Some(list.integers.clone())),
                    Some(MatchValue::Integer(one)) => Ok(Some(vec![*one])),
                    _ => Err(Status::invalid_argument("unknown match")),
                }
            }
            _ => Err(Status::invalid_argument("unknown condition")),
        },
        _ => Err(Status::invalid_argument("unknown filter")),
    }
}

/// Writes an implementation in which only the given methods do something.
macro_rules! serve {
    ($service:ident, { $($written:tt)* }, $($name:ident($request:ident) -> $response:ident,)*) => {
        #[tonic::async_trait]
        impl $service for Shared {
            $($written)*
            $(async fn $name(&self, _: Request<wire::$request>) -> Result<Response<wire::$response>, Status> {
                Err(Status::unimplemented(stringify!($name)))
            })*
        }
    };
}

serve!(Collections, {
    async fn get(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Result<Response<wire::GetCollectionInfoResponse>, Status> {
        let request = self.admit(request)?;
        let vectors_config = self.with(&request.collection_name, |collection| collection.vectors.clone())?;
        let params = Some(CollectionParams { vectors_config, ..Default::default() });
        let config = Some(CollectionConfig { params, ..Default::default() });
        let result = Some(CollectionInfo { config, ..Default::default() });
        Ok(Response::new(wire::GetCollectionInfoResponse { result, time: 0.0 }))
    }

    async fn list(
        &self,
        request: Request<wire::ListCollectionsRequest>,
    ) -> Result<Response<wire::ListCollectionsResponse>, Status> {
        self.admit(request)?;
        let names: Vec<String> = self.0.collections.lock().unwrap().keys().cloned().collect();
        let collections = names.into_iter().map(|name| CollectionDescription { name }).collect();
        Ok(Response::new(wire::ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(
        &self,
        request: Request<wire::CreateCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        let request = self.admit(request)?;
        let made = Collection { vectors: request.vectors_config, indexed: vec![], points: BTreeMap::new() };
        self.0.collections.lock().unwrap().insert(request.collection_name, made);
        Ok(Response::new(wire::CollectionOperationResponse { result: true, time: 0.0 }))
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        let request = self.admit(request)?;
        let result = self.0.collections.lock().unwrap().remove(&request.collection_name).is_some();
        Ok(Response::new(wire::CollectionOperationResponse { result, time: 0.0 }))
    }
},
    update(UpdateCollection) -> CollectionOperationResponse,
    update_aliases(ChangeAliases) -> CollectionOperationResponse,
    list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse,
    list_aliases(ListAliasesRequest) -> ListAliasesResponse,
    collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse,
    collection_exists(CollectionExistsRequest) -> CollectionExistsResponse,
    update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse,
    create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse,
    delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse,
    list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse,
);

serve!(Points, {
    async fn upsert(
        &self,
        request: Request<wire::UpsertPoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        let request = self.admit(request)?;
        let mut points = Vec::new();
        for point in &request.points {
            let Some(Kind::IntegerValue(collection)) = point.payload.get("collection").and_then(|v| v.kind.clone()) else {
                return Err(Status::invalid_argument("no collection"));
            };
            let vector = dense(point).ok_or_else(|| Status::invalid_argument("no dense vector"))?;
            points.push((id(point.id.as_ref())?, (vector, collection)));
        }
        self.with(&request.collection_name, |collection| collection.points.extend(points))?;
        self.0.upserts.fetch_add(1, Ordering::SeqCst);
        Ok(updated())
    }

    async fn delete(
        &self,
        request: Request<wire::DeletePoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        let request = self.admit(request)?;
        let Some(PointsSelectorOneOf::Points(list)) = request.points.and_then(|points| points.points_selector_one_of) else {
            return Err(Status::invalid_argument("only by id here"));
        };
        for point in &list.ids {
            let id = id(Some(point))?;
            self.with(&request.collection_name, |collection| collection.points.remove(&id))?;
        }
        Ok(updated())
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        let request = self.admit(request)?;
        self.with(&request.collection_name, |collection| collection.indexed.push(request.field_name.clone()))?;
        Ok(updated())
    }

    async fn query(&self, request: Request<wire::QueryPoints>) -> Result<Response<wire::QueryResponse>, Status> {
        let request = self.admit(request)?;
        let wanted = wanted(request.filter.as_ref())?;
        let query = match request.query.and_then(|query| query.variant) {
            Some(query::Variant::Nearest(input)) => match input.variant {
                Some(vector_input::Variant::Dense(dense)) => dense.data,
                _ => return Err(Status::invalid_argument("no dense vector")),
            },
            _ => return Err(Status::invalid_argument("only nearest neighbours here")),
        };
        let mut result: Vec<ScoredPoint> = self.with(&request.collection_name, |collection| {
            let points = collection.points.iter();
            points
                .filter(|(_, (_, collection))| wanted.as_ref().is_none_or(|wanted| wanted.contains(collection)))
                .map(|(&id, (vector, _))| ScoredPoint {
                    id: Some(id.into()),
                    score: vector.iter().zip(&query).map(|(a, b)| a * b).sum(),
                    ..Default::default()
                })
                .collect()
        })?;
        result.sort_by(|a, b| b.score.total_cmp(&a.score));
        result.truncate(request.limit.unwrap_or(10) as usize);
        Ok(Response::new(wire::QueryResponse { result, ..Default::default() }))
    }

    async fn count(&self, request: Request<wire::CountPoints>) -> Result<Response<wire::CountResponse>, Status> {
        let request = self.admit(request)?;
        let count = self.with(&request.collection_name, |collection| collection.points.len() as u64)?;
        Ok(Response::new(wire::CountResponse { result: Some(CountResult { count }), ..Default::default() }))
    }

    async fn scroll(&self, request: Request<wire::ScrollPoints>) -> Result<Response<wire::ScrollResponse>, Status> {
        let request = self.admit(request)?;
        let from = request.offset.as_ref().map_or(Ok(0), |offset| id(Some(offset)))?;
        // Small pages, so that clients have to turn them.
        let limit = request.limit.unwrap_or(10).min(7) as usize;
        let mut ids: Vec<u64> = self.with(&request.collection_name, |collection| {
            collection.points.range(from..).map(|(&id, _)| id).take(limit + 1).collect()
        })?;
        let next_page_offset = if ids.len() > limit { ids.pop().map(Into::into) } else { None };
        let result = ids.into_iter().map(|id| RetrievedPoint { id: Some(id.into()), ..Default::default() }).collect();
        Ok(Response::new(wire::ScrollResponse { next_page_offset, result, ..Default::default() }))
    }
},
    get(GetPoints) -> GetResponse,
    update_vectors(UpdatePointVectors) -> PointsOperationResponse,
    delete_vectors(DeletePointVectors) -> PointsOperationResponse,
    set_payload(SetPayloadPoints) -> PointsOperationResponse,
    overwrite_payload(SetPayloadPoints) -> PointsOperationResponse,
    delete_payload(DeletePayloadPoints) -> PointsOperationResponse,
    clear_payload(ClearPayloadPoints) -> PointsOperationResponse,
    delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse,
    create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse,
    delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse,
    search(SearchPoints) -> SearchResponse,
    search_batch(SearchBatchPoints) -> SearchBatchResponse,
    search_groups(SearchPointGroups) -> SearchGroupsResponse,
    recommend(RecommendPoints) -> RecommendResponse,
    recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse,
    recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse,
    discover(DiscoverPoints) -> DiscoverResponse,
    discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse,
    update_batch(UpdateBatchPoints) -> UpdateBatchResponse,
    query_batch(QueryBatchPoints) -> QueryBatchResponse,
    query_groups(QueryPointGroups) -> QueryGroupsResponse,
    facet(FacetCounts) -> FacetResponse,
    search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse,
    search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse,
);
