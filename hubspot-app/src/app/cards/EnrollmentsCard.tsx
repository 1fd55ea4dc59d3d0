// What HubSpot loads for the card, in the tab and in the sidebar of a contact.
import React from 'react';
import { hubspot } from '@hubspot/ui-extensions';
import { Enrollments } from './Enrollments';

hubspot.extend<'crm.record.tab' | 'crm.record.sidebar'>(() => <Enrollments />);
