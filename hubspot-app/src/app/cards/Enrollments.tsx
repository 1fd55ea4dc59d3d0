// The card "LearnUpon course enrollments": loads, shows, acts, and looks again while something is on its way.
import React, { useCallback, useEffect, useRef, useState } from 'react';
import {
  Alert,
  Button,
  Divider,
  EmptyState,
  ErrorState,
  Flex,
  Link,
  LoadingSpinner,
  Text,
  useExtensionActions,
  useExtensionContext,
} from '@hubspot/ui-extensions';
import { CourseList } from './CourseList';
import { PortalLine } from './PortalLine';
import { baseOf, isProblem, press, read } from './backend';
import type { Button as Name, Everything, Portal, Problem } from './backend';
import { day } from './courses';

type Place = 'crm.record.tab' | 'crm.record.sidebar';

// A request is worked in seconds; what takes longer shows when the record is opened again.
export const LOOK_AGAIN_MS = 3000;
export const LOOKS = 5;

export function Enrollments() {
  const { crm, user, portal: account, variables, location } = useExtensionContext<Place>();
  const { addAlert } = useExtensionActions<Place>();
  const { seen, load, looks, watch } = useEverything(baseOf(variables), crm.objectId);
  const [busy, setBusy] = useState(false);
  const write = (text: string) => day(text, user.locale, account.timezone);

  const onPress = async (name: Name, portal: Portal) => {
    setBusy(true);
    const answer = await press(baseOf(variables), name, crm.objectId, portal.id);
    setBusy(false);
    if (isProblem(answer)) {
      addAlert({ type: 'danger', message: answer.message });
    } else {
      addAlert({ type: 'success', message: answer.message });
    }
    watch();
  };

  if (seen === null) return <LoadingSpinner label="Loading courses" layout="centered" showLabel />;
  if (isProblem(seen)) return <Trouble problem={seen} again={load} />;
  const leading = seen.portals.find((portal) => portal.can.includes('add'))?.id;
  return (
    <Flex direction="column" gap="small">
      {seen.notice !== '' && <Alert title={seen.notice} variant="warning" />}
      {seen.portals.map((portal) => (
        <PortalLine
          key={portal.id}
          portal={portal}
          busy={busy || looks > 0}
          leads={portal.id === leading}
          write={write}
          onPress={(name, where) => void onPress(name, where)}
        />
      ))}
      <Divider />
      <Courses everything={seen} narrow={location === 'crm.record.sidebar'} write={write} />
    </Flex>
  );
}

/** What Hubsync knows about the contact, and looking again a few times after a button was pressed. */
function useEverything(base: string, contactId: number) {
  const [seen, setSeen] = useState<Everything | Problem | null>(null);
  const [looks, setLooks] = useState(0);
  const newest = useRef(0);
  const load = useCallback(async () => {
    const mine = ++newest.current;
    const answer = await read(base, contactId);
    if (mine !== newest.current) return; // a later look has been begun since
    // While looking again, one look that fails does not take away what is shown.
    setSeen((before) => (isProblem(answer) && answer.error === 'unreachable' && before !== null && !isProblem(before) ? before : answer));
    const waiting = !isProblem(answer) && answer.portals.some((portal) => portal.latest?.state === 'waiting');
    setLooks((left) => (left > 0 && waiting ? left : Math.min(left, 1)));
  }, [base, contactId]);
  useEffect(() => {
    setSeen(null);
    void load();
  }, [load]);
  useEffect(() => {
    if (looks === 0) return undefined;
    const timer = setTimeout(() => {
      setLooks((left) => left - 1);
      void load();
    }, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [looks, load]);
  const watch = useCallback(() => {
    setLooks(LOOKS);
    void load();
  }, [load]);
  return { seen, load: () => void load(), looks, watch };
}

function Courses({ everything, narrow, write }: { everything: Everything; narrow: boolean; write: (text: string) => string }) {
  if (everything.enrollments.length > 0) {
    return <CourseList everything={everything} narrow={narrow} write={write} />;
  }
  const learner = everything.portals.some((portal) => portal.learner !== null);
  return (
    <EmptyState title="No courses yet" layout="vertical" imageName="task">
      <Text>
        {learner ? 'Courses show here as soon as this person is enrolled in one.' : 'This contact is not a learner yet.'}
      </Text>
    </EmptyState>
  );
}

function Trouble({ problem, again }: { problem: Problem; again: () => void }) {
  if (problem.error === 'unreachable') {
    return (
      <ErrorState title="LearnUpon courses cannot be shown">
        <Text>{problem.message}</Text>
        <Button onClick={again}>Try again</Button>
      </ErrorState>
    );
  }
  return (
    <EmptyState title="Nothing to show" layout="vertical">
      <Text>{problem.message}</Text>
      {problem.link && <Link href={{ url: problem.link, external: true }}>Connect a portal</Link>}
    </EmptyState>
  );
}
