// SPDX-FileCopyrightText: The endplate authors
// SPDX-License-Identifier: Apache-2.0

// The REST interface of the server that the page came from.

import type {
  AnalysisRun,
  AnalysisState,
  CancelAnalysisResponse,
  CorrectAnalysisRequest,
  CorrectAnalysisResponse,
  CreateAnalysisRequest,
  CreateAnalysisResponse,
  CreateComparisonRequest,
  CreateComparisonResponse,
  ComparisonRun,
  DeliveryState,
  ExportAnalysisRequestFormat,
  ExportAnalysisResponse,
  ExportComparisonResponse,
  GetAnalysisResponse,
  GetCallerResponse,
  GetComparisonResponse,
  GetStudyResponse,
  ListAnalysesResponse,
  ListComparisonsResponse,
  ListDeliveriesResponse,
  ListRevisionsResponse,
  ListSeriesResponse,
  ListStudiesResponse,
  Phrase,
  RenderComparisonRequest,
  RenderComparisonResponse,
  RenderImageRequest,
  RenderImageResponse,
  RetryDeliveryResponse,
  SearchWorklistRequest,
  SearchWorklistResponse,
  UploadInstancesResponse,
  WatchAnalysisResponse,
  WatchComparisonResponse,
} from "./messages";
import { learn } from "./say";
import { token } from "./session";

/** An error that the server told of, or that kept it from being asked. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 where the server was not reached. */
    readonly status: number,
    /** The name of an ErrorReason, or empty. */
    readonly reason: string,
    message: string,
    /** What is wrong with which field of the request. */
    readonly violations: { field: string; description: string }[] = [],
  ) {
    super(message);
  }
}

/** An error's body, a google.rpc.Status as JSON. */
interface Status {
  message?: string;
  details?: {
    "@type"?: string;
    reason?: string;
    phrases?: Record<string, Phrase>;
    field_violations?: { field?: string; description?: string }[];
    fieldViolations?: { field?: string; description?: string }[];
  }[];
}

function errorOf(httpStatus: number, status: Status): ApiError {
  const details = status.details ?? [];
  for (const d of details) learn(d.phrases);
  const violations = details
    .flatMap((d) => d.field_violations ?? d.fieldViolations ?? [])
    .map((v) => ({ field: v.field ?? "", description: v.description ?? "" }));
  const text = violations.length > 0 ? violations.map((v) => `${v.field}: ${v.description}`).join("; ") : status.message;
  return new ApiError(httpStatus, details.find((d) => d.reason)?.reason ?? "", text || `HTTP ${httpStatus}`, violations);
}

/** What is told of the sign-in when the server no longer takes the token. */
let refused: () => void = () => {};

/** Has f called when the server says that the credentials do not hold. */
export function onRefused(f: () => void) {
  refused = f;
}

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

interface CallOptions {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") parameters.append(name, String(one));
    }
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Headers of a request that shows who the caller is. */
export function authorization(): Record<string, string> {
  const shown = token();
  return shown === "" ? {} : { Authorization: `Bearer ${shown}` };
}

async function request(method: string, path: string, { query, body, signal }: CallOptions): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: { ...authorization(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      cache: "no-store",
      credentials: "same-origin",
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError(0, "", e instanceof Error ? e.message : String(e));
  }
  if (response.ok) return response;
  if (response.status === 401) refused();
  throw errorOf(response.status, await statusOf(response));
}

/** The error in an answer; the text itself where it is none of the gateway's. */
export async function statusOf(response: Response): Promise<Status> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Status;
  } catch {
    return { message: text.slice(0, 500) };
  }
}

async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  return learned((await (await request(method, path, options)).json()) as T);
}

/** Keeps what the sentences of an answer are made of, where it holds a report. */
function learned<T>(answer: T): T {
  const { analysis, comparison } = answer as { analysis?: AnalysisRun; comparison?: ComparisonRun };
  learn(analysis?.report?.phrases);
  learn(comparison?.report?.phrases);
  return answer;
}

const get = <T>(path: string, query?: Query, signal?: AbortSignal) => call<T>("GET", path, { query, signal });
const post = <T>(path: string, body: unknown, signal?: AbortSignal) => call<T>("POST", path, { body, signal });

/** The messages of a stream: a line of JSON each. Ends when the server or signal ends it. */
async function* stream<T>(path: string, signal: AbortSignal): AsyncGenerator<T> {
  const response = await request("GET", path, { signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.trim() === "") continue;
        const part = JSON.parse(line) as { result?: T; error?: Status };
        if (part.error) throw errorOf(response.status, part.error);
        if (part.result) yield learned(part.result);
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

const id = encodeURIComponent;

export interface StudyQuery {
  page_size?: number;
  page_token?: string;
  patient_id?: string;
  modality?: string;
}

export type RenderQuery = Omit<RenderImageRequest, "analysis_id" | "through"> & {
  "through.x"?: number;
  "through.y"?: number;
  "through.z"?: number;
};

export const api = {
  caller: (signal?: AbortSignal) => get<GetCallerResponse>("/v1/caller", undefined, signal),

  worklist: (body: SearchWorklistRequest, signal?: AbortSignal) => post<SearchWorklistResponse>("/v1/worklist:search", body, signal),
  studies: (query: StudyQuery, signal?: AbortSignal) => get<ListStudiesResponse>("/v1/studies", { ...query }, signal),
  study: (uid: string, signal?: AbortSignal) => get<GetStudyResponse>(`/v1/studies/${id(uid)}`, undefined, signal),
  series: (studyUID: string, signal?: AbortSignal) =>
    get<ListSeriesResponse>(`/v1/studies/${id(studyUID)}/series`, { page_size: 500 }, signal),
  deleteStudy: (uid: string) => call<object>("DELETE", `/v1/studies/${id(uid)}`),

  analyses: (
    query: { study_instance_uid?: string; series_instance_uid?: string; states?: AnalysisState[]; page_size?: number; page_token?: string },
    signal?: AbortSignal,
  ) => get<ListAnalysesResponse>("/v1/analyses", query, signal),
  analysis: (analysisID: string, revision?: number, signal?: AbortSignal) =>
    get<GetAnalysisResponse>(`/v1/analyses/${id(analysisID)}`, { revision }, signal),
  createAnalysis: (body: CreateAnalysisRequest) => post<CreateAnalysisResponse>("/v1/analyses", body),
  cancelAnalysis: (analysisID: string) => post<CancelAnalysisResponse>(`/v1/analyses/${id(analysisID)}:cancel`, {}),
  watchAnalysis: (analysisID: string, signal: AbortSignal) =>
    stream<WatchAnalysisResponse>(`/v1/analyses/${id(analysisID)}:watch`, signal),
  correct: ({ analysis_id = "", ...body }: CorrectAnalysisRequest, signal?: AbortSignal) =>
    post<CorrectAnalysisResponse>(`/v1/analyses/${id(analysis_id)}:correct`, body, signal),
  revisions: (analysisID: string, signal?: AbortSignal) =>
    get<ListRevisionsResponse>(`/v1/analyses/${id(analysisID)}/revisions`, undefined, signal),
  render: (analysisID: string, query: RenderQuery, signal?: AbortSignal) =>
    get<RenderImageResponse>(`/v1/analyses/${id(analysisID)}:render`, { ...query }, signal),
  exportAnalysis: (analysisID: string, format: ExportAnalysisRequestFormat, revision?: number) =>
    get<ExportAnalysisResponse>(`/v1/analyses/${id(analysisID)}:export`, { format, revision }),

  comparisons: (query: { study_instance_uid?: string; page_size?: number; page_token?: string }, signal?: AbortSignal) =>
    get<ListComparisonsResponse>("/v1/comparisons", query, signal),
  comparison: (comparisonID: string, signal?: AbortSignal) =>
    get<GetComparisonResponse>(`/v1/comparisons/${id(comparisonID)}`, undefined, signal),
  createComparison: (body: CreateComparisonRequest) => post<CreateComparisonResponse>("/v1/comparisons", body),
  watchComparison: (comparisonID: string, signal: AbortSignal) =>
    stream<WatchComparisonResponse>(`/v1/comparisons/${id(comparisonID)}:watch`, signal),
  renderComparison: (comparisonID: string, query: Omit<RenderComparisonRequest, "comparison_id">, signal?: AbortSignal) =>
    get<RenderComparisonResponse>(`/v1/comparisons/${id(comparisonID)}:render`, { ...query }, signal),
  exportComparison: (comparisonID: string, format: ExportAnalysisRequestFormat) =>
    get<ExportComparisonResponse>(`/v1/comparisons/${id(comparisonID)}:export`, { format }),

  deliveries: (query: { study_instance_uid?: string; analysis_id?: string; comparison_id?: string; states?: DeliveryState[]; page_size?: number; page_token?: string }, signal?: AbortSignal) =>
    get<ListDeliveriesResponse>("/v1/deliveries", query, signal),
  retryDelivery: (deliveryID: string) => post<RetryDeliveryResponse>(`/v1/deliveries/${id(deliveryID)}:retry`, {}),

  /** Sends instances, which body holds as lines of messages. */
  upload: (body: Blob, signal: AbortSignal) => upload(body, signal),
};

async function upload(body: Blob, signal: AbortSignal): Promise<UploadInstancesResponse> {
  const response = await fetch("/v1/instances:upload", {
    method: "POST",
    headers: { ...authorization(), "Content-Type": "application/json" },
    body,
    signal,
  });
  if (!response.ok) throw errorOf(response.status, await statusOf(response));
  return (await response.json()) as UploadInstancesResponse;
}

/** The bytes of a field of bytes. */
export function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** Hands a document to the browser as a file. */
export function save(document: { media_type?: string; filename?: string; content?: string }) {
  const url = URL.createObjectURL(new Blob([bytes(document.content ?? "")], { type: document.media_type ?? "" }));
  const a = window.document.createElement("a");
  a.href = url;
  a.download = document.filename ?? "endplate";
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
