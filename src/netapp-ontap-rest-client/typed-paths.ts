/**
 * Types only: what a generated `paths` says about a call, so that a path picks its parameters, its body and its answer.
 * Works with any types that openapi-typescript generates, not only ours.
 */
import type { QueryExpression } from './query.ts';

/** The methods that ONTAP's API knows. */
export const METHODS = ['get', 'post', 'patch', 'delete'] as const;
/** One of them, in lower case as the generated types have it. */
export type Method = (typeof METHODS)[number];

/** The paths that know the method. */
export type PathsWith<Paths, M extends Method> = {
  [P in keyof Paths]: Paths[P] extends { [method in M]: unknown } ? P : never;
}[keyof Paths] &
  string;

/** The paths whose GET answers a list. */
export type PathsWithRecords<Paths> = {
  [P in PathsWith<Paths, 'get'>]: Answered<Paths, P, 'get'> extends { records?: readonly unknown[] } ? P : never;
}[PathsWith<Paths, 'get'>];

/** The paths whose GET can answer with bytes. */
export type PathsWithBytes<Paths> = {
  [P in PathsWith<Paths, 'get'>]: Operation<Paths, P, 'get'> extends {
    responses: { 200: { content: { 'multipart/form-data': unknown } } };
  }
    ? P
    : never;
}[PathsWith<Paths, 'get'>];

/** The paths whose POST or PATCH can carry bytes. */
export type PathsTakingBytes<Paths, M extends 'post' | 'patch'> = {
  [P in PathsWith<Paths, M>]: Operation<Paths, P, M> extends {
    requestBody?: { content: { 'multipart/form-data': unknown } };
  }
    ? P
    : never;
}[PathsWith<Paths, M>];

/** Path parameters and query of a call. */
export type WithoutBody<Paths, P extends keyof Paths, M extends Method> = PathPart<Operation<Paths, P, M>> &
  QueryPart<Operation<Paths, P, M>>;

/** Body of a successful answer. */
export type Answered<Paths, P extends keyof Paths, M extends Method> =
  Operation<Paths, P, M> extends {
    responses: infer Responses;
  }
    ? JsonOf<Responses[Extract<keyof Responses, 200 | 201 | 202>]>
    : never;

/** What a GET of a list holds. */
export type RecordOf<Paths, P extends keyof Paths> =
  Answered<Paths, P, 'get'> extends {
    records?: readonly (infer R)[];
  }
    ? R
    : never;

/** Path parameters, query and body of a call. Each query value may also be an operator expression on its type. */
export type Parameters<Paths, P extends keyof Paths, M extends Method> = PathPart<Operation<Paths, P, M>> &
  QueryPart<Operation<Paths, P, M>> &
  BodyPart<Operation<Paths, P, M>>;

/** The argument after the path: optional when nothing in it is required. */
export type RequestArgument<Request> = object extends Request ? [request?: Request] : [request: Request];

type Operation<Paths, P extends keyof Paths, M extends Method> = Paths[P] extends { [method in M]: infer O }
  ? O
  : never;

type JsonOf<Response> = Response extends { content: { 'application/json': infer Body } } ? Body : undefined;

type PathPart<O> = O extends { parameters: { path: infer Path } }
  ? { readonly path: { readonly [K in keyof Path]: Path[K] } }
  : { readonly path?: undefined };

type QueryPart<O> = O extends { parameters: { query?: infer Query } }
  ? [Query] extends [never]
    ? { readonly query?: undefined }
    : { readonly query?: { readonly [K in keyof Query]?: QueryValue<NonNullable<Query[K]>> } }
  : { readonly query?: undefined };

/** Lists (`fields`, `order_by`) are lists; everything else may be compared. */
type QueryValue<T> = T extends readonly (infer Item)[]
  ? readonly Item[] | undefined
  : T | QueryExpression<T> | undefined;

type BodyPart<O> = O extends { requestBody: { content: { 'application/json': infer Body } } }
  ? { readonly body: Body }
  : O extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? { readonly body?: Body }
    : { readonly body?: undefined };
