-- Devices of users, written by the app after Notifications.getExpoPushTokenAsync().
create table public.push_tokens (
  token text primary key,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade
);
alter table public.push_tokens enable row level security;
create policy "own devices" on public.push_tokens for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

-- Events that were pushed: each counts once, however often it comes. Nobody but the function reads it.
create table public.pushed_webhooks (
  id text primary key,
  at timestamptz not null default now()
);
alter table public.pushed_webhooks enable row level security;
