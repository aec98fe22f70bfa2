// A search by its address: asked once, and shared by the views that show its hits.

import { signal } from "@preact/signals";
import { api, Problem, type SearchResult } from "./api";
import { useLoaded, type Loaded } from "./loaded";
import { bodyOf, parsed, queryOf, searchKey, searchOf } from "./query";

/** Uploads that the server has forgotten; they are searched by their codes. */
export const expired = signal<ReadonlySet<string>>(new Set());

const REMEMBERED = 8;
const results = new Map<string, SearchResult>();

export function useSearch(params: URLSearchParams): Loaded<SearchResult> {
  const key = searchOf(params).like.length ? searchKey(params) : null;
  const loaded = useLoaded(key, (stop) => found(key!, params, stop));
  // Coming back to a search shows its hits at once.
  const remembered = key === null ? undefined : results.get(key);
  return remembered && loaded.loading ? { data: remembered, problem: null, loading: false } : loaded;
}

async function found(key: string, params: URLSearchParams, stop: AbortSignal): Promise<SearchResult> {
  const result = await asked(params, stop);
  results.delete(key);
  results.set(key, result);
  const first = results.keys().next().value;
  if (results.size > REMEMBERED && first !== undefined) results.delete(first);
  return result;
}

async function asked(params: URLSearchParams, stop: AbortSignal): Promise<SearchResult> {
  const search = searchOf(params);
  const body = () =>
    bodyOf(
      search,
      search.like.map((one) => queryOf(one, expired.value)),
      search.unlike.map((one) => queryOf(one, expired.value)),
    );
  try {
    return await api.search(body(), stop);
  } catch (error) {
    const uploads = [...search.like, ...search.unlike]
      .map(parsed)
      .filter((query) => query.kind === "upload" && query.code);
    const fresh = uploads.filter((query) => !expired.value.has(query.value));
    if (!(error instanceof Problem) || error.status !== 404 || !fresh.length) throw error;
    expired.value = new Set([...expired.value, ...fresh.map((query) => query.value)]);
    return api.search(body(), stop);
  }
}
