/** Tables of apps, for tests. */

/** As the app of the default mapping has it. */
export const AI_USAGE_LOGS = `
  CREATE TABLE public.ai_usage_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    organization_id uuid,
    service_type text NOT NULL CHECK (service_type IN ('lesson_generation', 'homework_help', 'grading_assistance',
      'general', 'dash_conversation', 'conversation')),
    ai_model_used text NOT NULL,
    input_tokens integer, output_tokens integer,
    input_cost numeric(8, 6), output_cost numeric(8, 6), total_cost numeric(8, 6),
    response_time_ms integer, processing_time_ms integer,
    status text NOT NULL CHECK (status IN ('success', 'error', 'rate_limited', 'quota_exceeded')),
    error_message text,
    metadata jsonb,
    created_at timestamptz DEFAULT now()
  )`;
