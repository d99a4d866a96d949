/** JSON that a client sent, before anything is believed of it. Errors name the field at fault, never what it holds. */
import { ApiError } from '../api-error.ts';

/** A JSON object of which nothing is known but the names that are read here. */
export type Fields = {
  readonly [Name in
    | 'model'
    | 'messages'
    | 'max_tokens'
    | 'metadata'
    | 'user_id'
    | 'stream'
    | 'system'
    | 'thinking'
    | 'tool_choice'
    | 'tools'
    | 'output_config'
    | 'effort'
    | 'format'
    | 'cache_control'
    | 'ttl'
    | 'speed'
    | 'type'
    | 'role'
    | 'content'
    | 'text'
    | 'name'
    | 'id'
    | 'input'
    | 'input_schema'
    | 'properties'
    | 'required'
    | 'enum'
    | 'const'
    | 'tool_use_id'
    | 'signature'
    | 'data'
    | 'display'
    | 'budget_tokens'
    | 'temperature'
    | 'top_k'
    | 'top_p'
    | 'inference_geo'
    | 'service_tier'
    | 'diagnostics'
    | 'previous_message_id'
    | 'fallbacks'
    | 'citations']?: unknown;
};

export function invalid(message: string): ApiError {
  return new ApiError('invalid_request_error', message);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws ApiError `invalid_request_error` */
export function parseFields(json: string): Fields {
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch {
    throw invalid('The request body is not valid JSON.');
  }
  if (!isFields(body)) throw invalid('Input should be a valid dictionary');
  return body;
}
