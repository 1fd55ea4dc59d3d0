// The app's settings page inside HubSpot: the connected portals, how they are, and the way to Hubsync's own pages.
import React, { useCallback, useEffect, useState } from 'react';
import {
  Alert,
  Button,
  EmptyState,
  ErrorState,
  Flex,
  Link,
  LoadingSpinner,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Text,
  useExtensionContext,
} from '@hubspot/ui-extensions';
import { overview } from './backend';
import type { Overview, PortalHealth } from './backend';

type Seen = Overview | 'loading' | 'unreachable';
const VARIANTS = { connected: 'success', paused: 'warning', disconnected: 'danger' } as const;

export function Settings() {
  const { variables } = useExtensionContext<'settings'>();
  const base = String(variables?.API_BASE ?? '');
  const [seen, setSeen] = useState<Seen>('loading');
  const load = useCallback(async () => {
    setSeen('loading');
    setSeen((await overview(base)) ?? 'unreachable');
  }, [base]);
  useEffect(() => {
    void load();
  }, [load]);

  if (seen === 'loading') return <LoadingSpinner label="Loading portals" layout="centered" showLabel />;
  if (seen === 'unreachable') {
    return (
      <ErrorState title="The portals cannot be shown">
        <Text>Hubsync did not answer. Nothing is lost; try again in a moment.</Text>
        <Button onClick={() => void load()}>Try again</Button>
      </ErrorState>
    );
  }
  return (
    <Flex direction="column" gap="medium">
      {seen.banners.map((banner) => (
        <Alert key={banner.text} title={banner.text} variant="warning">
          {banner.link !== '' && <Link href={{ url: banner.link, external: true }}>{banner.label}</Link>}
        </Alert>
      ))}
      {seen.portals.length === 0 ? <NoPortals connect={seen.pages.connect} /> : <Portals rows={seen.portals} />}
      <Text>
        Portals, mapped properties, learners, reports and privacy are set up on Hubsync&apos;s own pages. You sign in
        there with this HubSpot account.
      </Text>
      <Button variant="primary" href={{ url: seen.pages.portals, external: true }}>
        Open Hubsync
      </Button>
    </Flex>
  );
}

function NoPortals({ connect }: { connect: string }) {
  return (
    <EmptyState title="No LearnUpon portal is connected yet" layout="vertical" imageName="integrations">
      <Link href={{ url: connect, external: true }}>Connect a portal</Link>
    </EmptyState>
  );
}

function Portals({ rows }: { rows: PortalHealth[] }) {
  return (
    <Table>
      <TableHead>
        <TableRow>
          <TableHeader>LearnUpon portal</TableHeader>
          <TableHeader>State</TableHeader>
          <TableHeader>Learners</TableHeader>
          <TableHeader>Needs attention</TableHeader>
        </TableRow>
      </TableHead>
      <TableBody>
        {rows.map((row) => (
          <PortalRow key={row.id} row={row} />
        ))}
      </TableBody>
    </Table>
  );
}

function PortalRow({ row }: { row: PortalHealth }) {
  return (
    <TableRow>
      <TableCell>
        <Link href={{ url: row.page, external: true }}>{row.name}</Link>
        <Text variant="microcopy">{`${row.host} · ${row.people}`}</Text>
      </TableCell>
      <TableCell>
        <StatusTag variant={VARIANTS[row.state]}>{row.state_label}</StatusTag>
        {row.reason !== '' && <Text variant="microcopy">{row.reason}</Text>}
        {!row.ready && row.state === 'connected' && <Text variant="microcopy">Setting up is not finished.</Text>}
      </TableCell>
      <TableCell>
        <Text>{`${row.learners} active`}</Text>
        {row.invited > 0 && <Text variant="microcopy">{`${row.invited} invited`}</Text>}
      </TableCell>
      <TableCell>
        {row.failing > 0 ? (
          <Link href={{ url: row.activity, external: true }}>{`${row.failing} failing`}</Link>
        ) : (
          <Text>Nothing</Text>
        )}
        {row.waiting > 0 && <Text variant="microcopy">{`${row.waiting} waiting`}</Text>}
      </TableCell>
    </TableRow>
  );
}
