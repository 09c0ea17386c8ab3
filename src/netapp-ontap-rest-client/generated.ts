// generated, do not edit: `npm run generate` makes it from openapi.yaml

/** Every path below `/api`, with what each of its methods takes and answers. */
export interface paths {
    "/cluster": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Name and release of the cluster. One object, not a list. */
        get: operations["getCluster"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/cluster/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Jobs that run or ended within the last five minutes. */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Cancels, pauses or resumes every job that the query selects. */
        patch: operations["steerJobs"];
        trace?: never;
    };
    "/cluster/jobs/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One job. Gone 300 seconds after its end. */
        get: operations["getJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Cancels, pauses or resumes a job that allows it. */
        patch: operations["steerJob"];
        trace?: never;
    };
    "/cluster/licensing/licenses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the cluster is licensed for. */
        get: operations["listLicenses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/cluster/licensing/licenses/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        /** One licence. */
        get: operations["getLicense"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/cluster/peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Clusters this one is peered with. */
        get: operations["listClusterPeers"];
        put?: never;
        /** Peers with a cluster that knows the same passphrase, or waits for it. */
        post: operations["createClusterPeer"];
        /** Deletes this cluster's half of every peering that the query selects. */
        delete: operations["deleteClusterPeers"];
        options?: never;
        head?: never;
        /** Changes every cluster peer that the query selects. */
        patch: operations["changeClusterPeers"];
        trace?: never;
    };
    "/cluster/peers/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One cluster peer. */
        get: operations["getClusterPeer"];
        put?: never;
        post?: never;
        /** Deletes this cluster's half of the peering. */
        delete: operations["deleteClusterPeer"];
        options?: never;
        head?: never;
        /** Renames a peer, changes its applications, renews the passphrase. */
        patch: operations["changeClusterPeer"];
        trace?: never;
    };
    "/cluster/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Schedules, of the cluster and of its SVMs. */
        get: operations["listSchedules"];
        put?: never;
        /** Creates a schedule. */
        post: operations["createSchedule"];
        /** Deletes every schedule that the query selects. */
        delete: operations["deleteSchedules"];
        options?: never;
        head?: never;
        /** Changes every schedule that the query selects. */
        patch: operations["changeSchedules"];
        trace?: never;
    };
    "/cluster/schedules/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One schedule. */
        get: operations["getSchedule"];
        put?: never;
        post?: never;
        /** Deletes a schedule that nothing uses. */
        delete: operations["deleteSchedule"];
        options?: never;
        head?: never;
        /** Sets when it runs. */
        patch: operations["changeSchedule"];
        trace?: never;
    };
    "/cluster/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Nodes of the cluster. */
        get: operations["listNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/cluster/nodes/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One node. */
        get: operations["getNode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/svm/svms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** SVMs of the cluster. */
        get: operations["listSvms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/svm/svms/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One SVM. */
        get: operations["getSvm"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/svm/peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** SVM peerings. May take a minute to answer while a peer cluster is down. */
        get: operations["listSvmPeers"];
        put?: never;
        /** Proposes a peering. A remote peer has to accept it with a PATCH on its own cluster. */
        post: operations["createSvmPeer"];
        /** Ends every peering that the query selects. */
        delete: operations["deleteSvmPeers"];
        options?: never;
        head?: never;
        /** Changes every peering that the query selects. */
        patch: operations["changeSvmPeers"];
        trace?: never;
    };
    "/svm/peers/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One peering. */
        get: operations["getSvmPeer"];
        put?: never;
        post?: never;
        /** Ends a peering. */
        delete: operations["deleteSvmPeer"];
        options?: never;
        head?: never;
        /** Accepts a proposed peering (state: peered), or sets its applications. */
        patch: operations["changeSvmPeer"];
        trace?: never;
    };
    "/svm/peer-permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which clusters may peer with which SVM without being asked again. */
        get: operations["listSvmPeerPermissions"];
        put?: never;
        /** Lets a cluster peer with an SVM. */
        post: operations["createSvmPeerPermission"];
        /** Takes back every permission that the query selects. */
        delete: operations["deleteSvmPeerPermissions"];
        options?: never;
        head?: never;
        /** Changes every permission that the query selects. */
        patch: operations["changeSvmPeerPermissions"];
        trace?: never;
    };
    "/svm/peer-permissions/{cluster_peer.uuid}/{svm.uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "cluster_peer.uuid": string;
                "svm.uuid": string;
            };
            cookie?: never;
        };
        /** One permission. */
        get: operations["getSvmPeerPermission"];
        put?: never;
        post?: never;
        /** Takes a permission back. */
        delete: operations["deleteSvmPeerPermission"];
        options?: never;
        head?: never;
        /** Sets the applications. */
        patch: operations["changeSvmPeerPermission"];
        trace?: never;
    };
    "/snapmirror/relationships": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Relationships whose destination is here; with list_destinations_only, those whose source is here. */
        get: operations["listRelationships"];
        put?: never;
        /** Creates a relationship, on request with its destination. Sent to the destination's cluster. */
        post: operations["createRelationship"];
        /** Deletes every relationship that the query selects. */
        delete: operations["deleteRelationships"];
        options?: never;
        head?: never;
        /** Changes every relationship that the query selects. */
        patch: operations["changeRelationships"];
        trace?: never;
    };
    "/snapmirror/relationships/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One relationship. */
        get: operations["getRelationship"];
        put?: never;
        post?: never;
        /** Deletes both halves, or with one of the `_only` flags (they exclude each other) one of them. */
        delete: operations["deleteRelationship"];
        options?: never;
        head?: never;
        /** Starts a change of state, or sets policy, schedule or throttle. Poll the relationship for the outcome. */
        patch: operations["changeRelationship"];
        trace?: never;
    };
    "/snapmirror/relationships/{relationship.uuid}/transfers": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "relationship.uuid": string;
            };
            cookie?: never;
        };
        /** Running transfers and those that ended within a day (older releases list running ones only). Filter by state. */
        get: operations["listTransfers"];
        put?: never;
        /** Starts a transfer. What it is (initialise, update, restore) follows from the relationship. */
        post: operations["startTransfer"];
        delete?: never;
        options?: never;
        head?: never;
        /** Aborts every transfer that the query selects. */
        patch: operations["changeTransfers"];
        trace?: never;
    };
    "/snapmirror/relationships/{relationship.uuid}/transfers/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "relationship.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One transfer. */
        get: operations["getTransfer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Aborts a running transfer (aborted keeps its checkpoint, hard_aborted does not). */
        patch: operations["changeTransfer"];
        trace?: never;
    };
    "/snapmirror/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** SnapMirror policies, built-in and own. */
        get: operations["listPolicies"];
        put?: never;
        /** Creates a policy. */
        post: operations["createPolicy"];
        /** Deletes every policy that the query selects. */
        delete: operations["deletePolicies"];
        options?: never;
        head?: never;
        /** Changes every policy that the query selects. */
        patch: operations["changePolicies"];
        trace?: never;
    };
    "/snapmirror/policies/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One policy. */
        get: operations["getPolicy"];
        put?: never;
        post?: never;
        /** Deletes a policy that nothing uses. */
        delete: operations["deletePolicy"];
        options?: never;
        head?: never;
        /** Changes a policy of one's own. */
        patch: operations["changePolicy"];
        trace?: never;
    };
    "/storage/volumes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** FlexVols and FlexGroups. */
        get: operations["listVolumes"];
        put?: never;
        /** Creates a volume, or clones one. */
        post: operations["createVolume"];
        /** Deletes every volume that the query selects, one after the other. At least one filter is needed. */
        delete: operations["deleteVolumes"];
        options?: never;
        head?: never;
        /** Changes every volume that the query selects, one after the other. At least one filter is needed. */
        patch: operations["changeVolumes"];
        trace?: never;
    };
    "/storage/volumes/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One volume. */
        get: operations["getVolume"];
        put?: never;
        post?: never;
        /** Deletes a volume that is offline. */
        delete: operations["deleteVolume"];
        options?: never;
        head?: never;
        /** Mounts, unmounts, takes offline or online, renames, resizes, moves, splits, ... one volume. */
        patch: operations["changeVolume"];
        trace?: never;
    };
    "/storage/volumes/{volume.uuid}/files": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        /** What is in the root directory of a volume. */
        get: operations["listRootDirectory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/storage/volumes/{volume.uuid}/files/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "volume.uuid": string;
                /** @description Relative to the root; slashes and dots are encoded */
                path: string;
            };
            cookie?: never;
        };
        /** Lists a directory, describes one file (return_metadata), or reads bytes of it (Accept multipart/form-data). */
        get: operations["readFile"];
        put?: never;
        /** Makes a file with bytes (multipart/form-data), a directory or a symbolic link. */
        post: operations["createFile"];
        /** Removes a file or an empty directory; with recurse a whole tree. */
        delete: operations["deleteFile"];
        options?: never;
        head?: never;
        /** Writes bytes (multipart/form-data), renames, resizes. */
        patch: operations["changeFile"];
        trace?: never;
    };
    "/storage/volumes/{volume.uuid}/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        /** Snapshots of a volume. */
        get: operations["listSnapshots"];
        put?: never;
        /** Takes a snapshot. */
        post: operations["createSnapshot"];
        /** Deletes every snapshot that the query selects. */
        delete: operations["deleteSnapshots"];
        options?: never;
        head?: never;
        /** Changes every snapshot that the query selects. */
        patch: operations["changeSnapshots"];
        trace?: never;
    };
    "/storage/volumes/{volume.uuid}/snapshots/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "volume.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One snapshot. */
        get: operations["getSnapshot"];
        put?: never;
        post?: never;
        /** Deletes a snapshot. */
        delete: operations["deleteSnapshot"];
        options?: never;
        head?: never;
        /** Renames a snapshot, or sets its label, comment or expiry. */
        patch: operations["changeSnapshot"];
        trace?: never;
    };
    "/storage/luns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** LUNs, with how far their copies and moves are. */
        get: operations["listLuns"];
        put?: never;
        /** Makes, clones or copies a LUN. */
        post: operations["createLun"];
        /** Deletes every LUN that the query selects; one whose copy runs is not copied any further. */
        delete: operations["deleteLuns"];
        options?: never;
        head?: never;
        /** Changes every LUN that the query selects. */
        patch: operations["changeLuns"];
        trace?: never;
    };
    "/storage/luns/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One LUN. */
        get: operations["getLun"];
        put?: never;
        post?: never;
        /** Deletes a LUN; one whose copy runs is not copied any further. */
        delete: operations["deleteLun"];
        options?: never;
        head?: never;
        /** Changes a LUN; a name in another volume moves a LUN there. */
        patch: operations["changeLun"];
        trace?: never;
    };
    "/storage/namespaces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** NVMe namespaces. */
        get: operations["listNamespaces"];
        put?: never;
        /** Makes or clones a namespace. */
        post: operations["createNamespace"];
        /** Deletes every namespace that the query selects. */
        delete: operations["deleteNamespaces"];
        options?: never;
        head?: never;
        /** Changes every namespace that the query selects. */
        patch: operations["changeNamespaces"];
        trace?: never;
    };
    "/storage/namespaces/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One namespace. */
        get: operations["getNamespace"];
        put?: never;
        post?: never;
        /** Deletes a namespace. */
        delete: operations["deleteNamespace"];
        options?: never;
        head?: never;
        /** Changes a namespace. */
        patch: operations["changeNamespace"];
        trace?: never;
    };
    "/private/cli/volume/rehost": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives an unmounted volume to another SVM of the cluster, where it lies. */
        post: operations["rehostVolume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/storage/file/clone": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Clones a file within its volume. */
        post: operations["cloneFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/storage/file/copy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Copies files inside the cluster. */
        post: operations["copyFiles"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/storage/snapshot-policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How often volumes take snapshots, and how many they keep. */
        get: operations["listSnapshotPolicies"];
        put?: never;
        /** Creates a snapshot policy. */
        post: operations["createSnapshotPolicy"];
        /** Deletes every snapshot policy that the query selects. */
        delete: operations["deleteSnapshotPolicies"];
        options?: never;
        head?: never;
        /** Changes every snapshot policy that the query selects. */
        patch: operations["changeSnapshotPolicies"];
        trace?: never;
    };
    "/storage/snapshot-policies/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One snapshot policy. */
        get: operations["getSnapshotPolicy"];
        put?: never;
        post?: never;
        /** Deletes a snapshot policy that no volume has. */
        delete: operations["deleteSnapshotPolicy"];
        options?: never;
        head?: never;
        /** Changes a snapshot policy. */
        patch: operations["changeSnapshotPolicy"];
        trace?: never;
    };
    "/storage/aggregates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Aggregates of the cluster, or those assigned to an SVM when tunnelled into it. */
        get: operations["listAggregates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/storage/aggregates/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        /** One aggregate. */
        get: operations["getAggregate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
/** The objects of the API, under `schemas`. */
export interface components {
    schemas: {
        href: {
            href?: string;
        };
        self_link: {
            self?: components["schemas"]["href"];
        };
        page_links: {
            next?: components["schemas"]["href"];
            self?: components["schemas"]["href"];
        };
        /** @description An object named or referred to */
        named: {
            name?: string;
            uuid?: string;
        };
        error_argument: {
            code?: string;
            message?: string;
        };
        error_response: {
            /** @description Change of a collection: so many were changed before the failure */
            num_records?: number;
            error?: {
                /** @description A number as text */
                code?: string;
                message?: string;
                /** @description The field or argument complained about */
                target?: string;
                arguments?: components["schemas"]["error_argument"][];
            };
        };
        release: {
            /** @description Like `NetApp Release 9.14.1: ...` */
            full?: string;
            generation?: number;
            major?: number;
            minor?: number;
        };
        cluster: {
            _links?: components["schemas"]["self_link"];
            name?: string;
            uuid?: string;
            version?: components["schemas"]["release"];
        };
        /** @enum {string} */
        job_state: "queued" | "running" | "paused" | "success" | "failure";
        job: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            /** @description Method and path of the call that started it */
            description?: string;
            state?: components["schemas"]["job_state"];
            /** @description Progress, then the result */
            message?: string;
            /** @description 0, or the error code (older releases give it nowhere else) */
            code?: number;
            error?: {
                code?: string;
                message?: string;
                arguments?: components["schemas"]["error_argument"][];
            };
            /** Format: date-time */
            start_time?: string;
            /** Format: date-time */
            end_time?: string;
            node?: {
                name?: string;
            };
            svm?: components["schemas"]["named"];
        };
        job_link: {
            uuid?: string;
            _links?: components["schemas"]["self_link"];
        };
        /** @description What became of a change of all that a query selects, one after the other */
        collection_change: {
            /** @description `next` when the time was up before all were changed: send the same again */
            _links?: components["schemas"]["page_links"];
            /** @description So many were changed */
            num_records?: number;
            /** @description With return_records */
            records?: unknown[];
            jobs?: components["schemas"]["job_link"][];
        };
        cluster_peer: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            /** @description What the peer is called here */
            name?: string;
            remote?: {
                name?: string;
                serial_number?: string;
                ip_addresses?: string[];
            };
            status?: {
                /** @enum {string} */
                state?: "available" | "partial" | "unavailable" | "pending" | "unidentified";
                /** Format: date-time */
                update_time?: string;
            };
            version?: components["schemas"]["release"];
            peer_applications?: string[];
            authentication?: {
                /** @enum {string} */
                state?: "ok" | "absent" | "pending" | "problem";
                /** @enum {string} */
                in_use?: "ok" | "absent" | "revoked";
                expiry_time?: string;
                generate_passphrase?: boolean;
                /** @description Answered only by the POST or PATCH that has one generated */
                passphrase?: string;
            };
            encryption?: {
                /** @enum {string} */
                state?: "none" | "tls_psk";
                /** @enum {string} */
                proposed?: "none" | "tls_psk";
            };
            initial_allowed_svms?: components["schemas"]["named"][];
        };
        cluster_peer_change: {
            num_records?: number;
            records?: components["schemas"]["cluster_peer"][];
        };
        license: {
            _links?: components["schemas"]["self_link"];
            name?: string;
            /** @enum {string} */
            state?: "compliant" | "noncompliant" | "unlicensed" | "unknown";
            /** @enum {string} */
            scope?: "not_available" | "site" | "cluster" | "node" | "pool";
            description?: string;
        };
        schedule: {
            _links?: components["schemas"]["self_link"];
            cluster?: components["schemas"]["named"];
            uuid?: string;
            name?: string;
            /** @enum {string} */
            type?: "cron" | "interval";
            /** @enum {string} */
            scope?: "cluster" | "svm";
            /** @description ISO 8601 duration */
            interval?: string;
            cron?: {
                minutes?: number[];
                hours?: number[];
                days?: number[];
                weekdays?: number[];
                months?: number[];
            };
            svm?: components["schemas"]["named"];
        };
        node: {
            _links?: components["schemas"]["self_link"];
            /** @enum {string} */
            membership?: "available" | "joining" | "member";
            is_all_flash_optimized?: boolean;
            is_all_flash_select_optimized?: boolean;
            uuid?: string;
            name?: string;
            model?: string;
            serial_number?: string;
            /** @enum {string} */
            state?: "up" | "booting" | "down" | "taken_over" | "waiting_for_giveback" | "degraded" | "unknown";
            /** @description Seconds */
            uptime?: number;
            version?: components["schemas"]["release"];
        };
        /** @enum {string} */
        svm_state: "starting" | "running" | "stopping" | "stopped" | "deleting" | "initializing";
        /** @enum {string} */
        svm_subtype: "default" | "dp_destination" | "sync_source" | "sync_destination" | "data_engine";
        svm: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            name?: string;
            comment?: string;
            state?: components["schemas"]["svm_state"];
            language?: string;
            subtype?: components["schemas"]["svm_subtype"];
            ipspace?: components["schemas"]["named"];
            aggregates?: components["schemas"]["named"][];
        };
        /** @enum {string} */
        svm_peer_state: "peered" | "rejected" | "suspended" | "initiated" | "pending" | "initializing";
        svm_peer: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            /** @description What the peer SVM is called here */
            name?: string;
            state?: components["schemas"]["svm_peer_state"];
            applications?: ("snapmirror" | "file_copy" | "lun_copy" | "flexcache")[];
            force?: boolean;
            svm?: components["schemas"]["named"];
            peer?: {
                svm?: components["schemas"]["named"];
                cluster?: components["schemas"]["named"];
            };
        };
        svm_peer_change: {
            job?: components["schemas"]["job_link"];
            num_records?: number;
            records?: components["schemas"]["svm_peer"][];
        };
        svm_peer_permission: {
            _links?: components["schemas"]["self_link"];
            svm?: components["schemas"]["named"];
            cluster_peer?: components["schemas"]["named"];
            applications?: ("snapmirror" | "flexcache")[];
        };
        svm_peer_permission_change: {
            num_records?: number;
            records?: components["schemas"]["svm_peer_permission"][];
        };
        /** @enum {string} */
        relationship_state: "broken_off" | "paused" | "snapmirrored" | "uninitialized" | "in_sync" | "out_of_sync" | "synchronizing" | "expanding" | "shrinking";
        /** @enum {string} */
        relationship_group_type: "none" | "svm_dr" | "consistency_group" | "flexgroup" | "coordination_group";
        relationship_end: {
            /** @description `svm:volume`, `svm:`, `svm:/cg/name`, `svm:/bucket/name` or `store:/objstore/name` */
            path?: string;
            svm?: components["schemas"]["named"];
            /** @description Only when it is the other cluster */
            cluster?: components["schemas"]["named"];
            consistency_group_volumes?: components["schemas"]["named"][];
        };
        relationship: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            source?: components["schemas"]["relationship_end"];
            destination?: components["schemas"]["relationship_end"];
            state?: components["schemas"]["relationship_state"];
            healthy?: boolean;
            unhealthy_reason?: {
                code?: string;
                message?: string;
                arguments?: string[];
            }[];
            policy?: {
                name?: string;
                uuid?: string;
                type?: components["schemas"]["policy_type"];
            };
            group_type?: components["schemas"]["relationship_group_type"];
            /** @description Age of the exported snapshot, an ISO 8601 duration; may exceed a day */
            lag_time?: string;
            exported_snapshot?: string;
            /** @description The running transfer, afterwards the last one's result */
            transfer?: {
                /** @description Only while it runs */
                uuid?: string;
                state?: components["schemas"]["transfer_state"];
                type?: components["schemas"]["transfer_type"];
                bytes_transferred?: number;
                /** Format: date-time */
                end_time?: string;
                /** Format: date-time */
                last_updated_time?: string;
                /** @description ISO 8601 duration */
                total_duration?: string;
            };
            last_transfer_type?: components["schemas"]["transfer_type"];
            total_transfer_bytes?: number;
            /** @description ISO 8601 duration */
            total_transfer_duration?: string;
            transfer_schedule?: components["schemas"]["named"];
            /** @description KiB a second, 0 for no limit */
            throttle?: number;
            identity_preservation?: components["schemas"]["identity_preservation"];
            restore?: boolean;
            /** @enum {string} */
            backoff_level?: "high" | "medium" | "none";
            /** @description Resync: keep newer snapshots of the destination */
            preserve?: boolean;
            /** @description Resync: start sooner, keep less storage efficiency */
            quick_resync?: boolean;
            recover_after_break?: boolean;
            /** @description Break: go back to this snapshot */
            restore_to_snapshot?: string;
            create_destination?: {
                enabled?: boolean;
                size?: number;
                snapshot_locking_enabled?: boolean;
                storage_service?: {
                    enabled?: boolean;
                    enforce_performance?: boolean;
                    /** @enum {string} */
                    name?: "extreme" | "performance" | "value";
                };
                tiering?: {
                    supported?: boolean;
                    /** @enum {string} */
                    policy?: "all" | "auto" | "none" | "snapshot_only";
                };
            };
        };
        relationship_change: {
            job?: components["schemas"]["job_link"];
            num_records?: number;
            records?: components["schemas"]["relationship"][];
        };
        /** @enum {string} */
        transfer_state: "aborted" | "failed" | "hard_aborted" | "queued" | "success" | "transferring";
        /** @enum {string} */
        transfer_type: "initialize" | "update" | "resync" | "restore";
        transfer: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            state?: components["schemas"]["transfer_state"];
            bytes_transferred?: number;
            checkpoint_size?: number;
            /** @description What is being transferred */
            snapshot?: string;
            /** @description What to transfer, when starting one */
            source_snapshot?: string;
            /** @description Restore only these */
            files?: {
                source_path?: string;
                destination_path?: string;
            }[];
            throttle?: number;
            storage_efficiency_enabled?: boolean;
            /** @enum {string} */
            on_demand_attrs?: "off" | "read_write_with_user_data_pull";
            /** Format: date-time */
            end_time?: string;
            /** Format: date-time */
            last_updated_time?: string;
            /** @description ISO 8601 duration */
            total_duration?: string;
            error_info?: {
                code?: number;
                message?: string;
            };
            relationship?: {
                uuid?: string;
                restore?: boolean;
                destination?: components["schemas"]["relationship_end"];
            };
        };
        /** @enum {string} */
        identity_preservation: "full" | "exclude_network_config" | "exclude_network_and_protocol_config";
        /** @enum {string} */
        policy_type: "async" | "sync" | "continuous";
        /** @enum {string} */
        policy_sync_type: "sync" | "strict_sync" | "automated_failover" | "automated_failover_duplex";
        policy: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            name?: string;
            comment?: string;
            /** @enum {string} */
            scope?: "svm" | "cluster";
            svm?: components["schemas"]["named"];
            type?: components["schemas"]["policy_type"];
            sync_type?: components["schemas"]["policy_sync_type"];
            transfer_schedule?: components["schemas"]["named"];
            sync_common_snapshot_schedule?: components["schemas"]["named"];
            copy_all_source_snapshots?: boolean;
            copy_latest_source_snapshot?: boolean;
            create_snapshot_on_source?: boolean;
            identity_preservation?: components["schemas"]["identity_preservation"];
            network_compression_enabled?: boolean;
            throttle?: number;
            /** @description Seconds */
            rpo?: number;
            retention?: {
                label?: string;
                count?: string;
                period?: string;
                prefix?: string;
                preserve?: boolean;
                warn?: number;
                creation_schedule?: components["schemas"]["named"];
            }[];
        };
        policy_change: {
            job?: components["schemas"]["job_link"];
            num_records?: number;
            records?: components["schemas"]["policy"][];
        };
        /** @enum {string} */
        volume_type: "rw" | "dp" | "ls";
        /** @enum {string} */
        volume_style: "flexvol" | "flexgroup" | "flexgroup_constituent";
        /** @enum {string} */
        volume_state: "error" | "mixed" | "offline" | "online" | "restricted";
        /** @enum {string} */
        volume_efficiency: "inline" | "background" | "both" | "none" | "mixed";
        /** @enum {string} */
        volume_movement_state: "aborted" | "cutover" | "cutover_wait" | "cutover_pending" | "failed" | "paused" | "queued" | "replicating" | "success";
        volume: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            name?: string;
            comment?: string;
            svm?: components["schemas"]["named"];
            type?: components["schemas"]["volume_type"];
            style?: components["schemas"]["volume_style"];
            state?: components["schemas"]["volume_state"];
            /** @description Bytes */
            size?: number;
            /** Format: date-time */
            create_time?: string;
            language?: string;
            is_svm_root?: boolean;
            msid?: number;
            snapshot_count?: number;
            constituent_count?: number;
            constituents_per_aggregate?: number;
            /** @description Members of a FlexGroup */
            constituents?: {
                name?: string;
                aggregates?: components["schemas"]["named"];
                node?: components["schemas"]["named"];
                /** @description Bytes */
                space?: {
                    size?: number;
                    used?: number;
                    available?: number;
                    afs_total?: number;
                };
            }[];
            /** @description Of a member: its FlexGroup */
            flexgroup?: components["schemas"]["named"];
            aggregates?: components["schemas"]["named"][];
            snapshot_policy?: components["schemas"]["named"];
            consistency_group?: components["schemas"]["named"];
            guarantee?: {
                /** @enum {string} */
                type?: "volume" | "none";
                honored?: boolean;
            };
            nas?: {
                /** @description Junction path; "" unmounts */
                path?: string;
                /** @enum {string} */
                security_style?: "mixed" | "ntfs" | "unified" | "unix";
                unix_permissions?: number;
                export_policy?: {
                    id?: number;
                    name?: string;
                };
            };
            /** @description Bytes */
            space?: {
                size?: number;
                used?: number;
                available?: number;
                afs_total?: number;
                percent_used?: number;
                physical_used?: number;
                logical_space?: {
                    used?: number;
                    available?: number;
                    reporting?: boolean;
                    enforcement?: boolean;
                };
                snapshot?: {
                    reserve_percent?: number;
                    reserve_size?: number;
                    used?: number;
                };
            };
            efficiency?: {
                /** @enum {string} */
                state?: "disabled" | "enabled" | "mixed" | "custom";
                dedupe?: components["schemas"]["volume_efficiency"];
                compression?: components["schemas"]["volume_efficiency"];
                cross_volume_dedupe?: components["schemas"]["volume_efficiency"];
                /** @enum {string} */
                compaction?: "inline" | "none" | "mixed";
                policy?: {
                    name?: string;
                };
                volume_path?: string;
            };
            encryption?: {
                enabled?: boolean;
                /** @enum {string} */
                state?: "encrypted" | "encrypting" | "partial" | "rekeying" | "unencrypted";
                /** @enum {string} */
                type?: "none" | "volume" | "aggregate";
            };
            error_state?: {
                has_bad_blocks?: boolean;
                is_inconsistent?: boolean;
            };
            clone?: {
                is_flexclone?: boolean;
                has_flexclone?: boolean;
                parent_volume?: components["schemas"]["named"];
                parent_snapshot?: components["schemas"]["named"];
                parent_svm?: components["schemas"]["named"];
                split_initiated?: boolean;
                split_estimate?: number;
                split_complete_percent?: number;
                /** @description Bytes that the clone shares with its parent */
                inherited_physical_used?: number;
            };
            movement?: {
                state?: components["schemas"]["volume_movement_state"];
                destination_aggregate?: components["schemas"]["named"];
                percent_complete?: number;
                /** @description Seconds */
                cutover_window?: number;
                /** Format: date-time */
                start_time?: string;
            };
            qos?: {
                policy?: components["schemas"]["named"];
            };
            tiering?: {
                /** @enum {string} */
                policy?: "all" | "auto" | "none" | "snapshot_only";
                supported?: boolean;
            };
            snapmirror?: {
                is_protected?: boolean;
            };
        };
        volume_change: {
            job?: components["schemas"]["job_link"];
            num_records?: number;
            records?: components["schemas"]["volume"][];
        };
        snapshot: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            name?: string;
            comment?: string;
            /** Format: date-time */
            create_time?: string;
            /** Format: date-time */
            expiry_time?: string;
            snapmirror_label?: string;
            owners?: string[];
            size?: number;
            logical_size?: number;
            /** @description With one name asked for, the difference between that snapshot and the active file system */
            delta?: {
                size_consumed?: number;
                /** @description ISO 8601 duration */
                time_elapsed?: string;
            };
            /** @description What deleting it would free */
            reclaimable_space?: number;
            state?: string;
            version_uuid?: string;
            svm?: components["schemas"]["named"];
            volume?: components["schemas"]["named"];
        };
        snapshot_change: {
            job?: components["schemas"]["job_link"];
            num_records?: number;
            records?: components["schemas"]["snapshot"][];
        };
        /**
         * @description How far a copy or a move of a LUN is; only `paused` and `replicating` can be asked for.
         * @enum {string}
         */
        copy_state: "preparing" | "replicating" | "paused" | "paused_error" | "complete" | "reverting" | "failed";
        copy_progress: {
            /** @description Seconds since it began */
            readonly elapsed?: number;
            readonly percent_complete?: number;
            state?: components["schemas"]["copy_state"];
            readonly volume_snapshot_blocked?: boolean;
            readonly failure?: {
                readonly code?: string;
                readonly message?: string;
            };
        };
        lun: {
            _links?: components["schemas"]["self_link"];
            readonly uuid?: string;
            /** @description `/vol/volume/path` */
            name?: string;
            svm?: components["schemas"]["named"];
            location?: {
                /** @description The path within the volume */
                logical_unit?: string;
                node?: {
                    name?: string;
                };
                volume?: components["schemas"]["named"];
            };
            os_type?: string;
            /** @enum {string} */
            class?: "regular" | "protocol_endpoint" | "vvol";
            comment?: string;
            enabled?: boolean;
            auto_delete?: boolean;
            /** Format: date-time */
            readonly create_time?: string;
            readonly serial_number?: string;
            readonly serial_number_hex?: string;
            space?: {
                /** @description Bytes */
                size?: number;
                /** @description Bytes */
                readonly used?: number;
                guarantee?: {
                    requested?: boolean;
                    readonly reserved?: boolean;
                };
            };
            readonly status?: {
                /** @enum {string} */
                readonly state?: "foreign_lun_error" | "nvfail" | "offline" | "online" | "space_error";
                /** @enum {string} */
                readonly container_state?: "online" | "aggregate_offline" | "volume_offline";
                readonly mapped?: boolean;
                readonly read_only?: boolean;
            };
            clone?: {
                readonly created_as_clone?: boolean;
                source?: components["schemas"]["named"];
            };
            /** @description The copy that this LUN is made by. */
            copy?: {
                source?: {
                    name?: string;
                    uuid?: string;
                    /** @description Bytes per second */
                    max_throughput?: number;
                    /** @description The SVM of the source where it is another one. */
                    peer?: {
                        name?: string;
                        uuid?: string;
                    };
                    progress?: components["schemas"]["copy_progress"];
                };
            };
            /** @description The move that brought this LUN here. */
            movement?: {
                /** @description Bytes per second */
                max_throughput?: number;
                paths?: {
                    readonly source?: string;
                    readonly destination?: string;
                };
                progress?: components["schemas"]["copy_progress"];
            };
        };
        lun_change: {
            num_records?: number;
            records?: components["schemas"]["lun"][];
        };
        namespace: {
            _links?: components["schemas"]["self_link"];
            readonly uuid?: string;
            /** @description `/vol/volume/path` */
            name?: string;
            svm?: components["schemas"]["named"];
            location?: {
                /** @description The path within the volume */
                namespace?: string;
                volume?: components["schemas"]["named"];
            };
            /** @enum {string} */
            os_type?: "aix" | "linux" | "vmware" | "windows";
            comment?: string;
            readonly enabled?: boolean;
            auto_delete?: boolean;
            /** Format: date-time */
            readonly create_time?: string;
            space?: {
                /** @enum {integer} */
                block_size?: 512 | 4096;
                /** @description Bytes */
                size?: number;
                /** @description Bytes */
                readonly used?: number;
                guarantee?: {
                    readonly requested?: boolean;
                    readonly reserved?: boolean;
                };
            };
            readonly status?: {
                /** @enum {string} */
                readonly state?: "nvfail" | "offline" | "online" | "space_error";
                /** @enum {string} */
                readonly container_state?: "online" | "aggregate_offline" | "volume_offline";
                readonly mapped?: boolean;
                readonly read_only?: boolean;
            };
            clone?: {
                readonly created_as_clone?: boolean;
                source?: components["schemas"]["named"];
            };
        };
        namespace_change: {
            num_records?: number;
            records?: components["schemas"]["namespace"][];
        };
        offload_change: {
            job?: components["schemas"]["job_link"];
        };
        file_clone: {
            volume?: components["schemas"]["named"];
            /** @description Relative to the volume; `.snapshot/NAME/path` for a file of a snapshot */
            source_path?: string;
            destination_path?: string;
            overwrite_destination?: boolean;
            is_backup?: boolean;
            autodelete?: boolean;
            range?: string[];
            token_uuid?: string;
        };
        file_place: {
            /** @description Relative to the volume */
            path?: string;
            svm?: components["schemas"]["named"];
            volume?: components["schemas"]["named"];
        };
        file_copy: {
            files_to_copy?: {
                source?: components["schemas"]["file_place"];
                destination?: components["schemas"]["file_place"];
            }[];
            max_throughput?: number;
            cutover_time?: number;
            hold_quiescence?: boolean;
            reference_path?: string;
            reference_cutover_time?: number;
        };
        file_info: {
            _links?: components["schemas"]["self_link"];
            /** @description Of the directory */
            path?: string;
            name?: string;
            /** @enum {string} */
            type?: "file" | "directory" | "blockdev" | "chardev" | "symlink" | "socket" | "fifo" | "stream" | "lun";
            size?: number;
            bytes_used?: number;
            /** @description Of a symbolic link */
            target?: string;
            /** @description Octal digits */
            unix_permissions?: number;
            owner_id?: number;
            group_id?: number;
            hard_links_count?: number;
            inode_number?: number;
            inode_generation?: number;
            /** Format: date-time */
            creation_time?: string;
            /** Format: date-time */
            modified_time?: string;
            /** Format: date-time */
            changed_time?: string;
            /** Format: date-time */
            accessed_time?: string;
            is_empty?: boolean;
            is_junction?: boolean;
            is_snapshot?: boolean;
            is_vm_aligned?: boolean;
        };
        file_change: {
            job?: components["schemas"]["job_link"];
        };
        snapshot_policy: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            name?: string;
            comment?: string;
            enabled?: boolean;
            /** @enum {string} */
            scope?: "svm" | "cluster";
            svm?: components["schemas"]["named"];
            copies?: {
                /** @description So many are kept */
                count?: number;
                prefix?: string;
                retention_period?: string;
                schedule?: components["schemas"]["named"];
                snapmirror_label?: string;
            }[];
        };
        /** @enum {string} */
        aggregate_state: "online" | "onlining" | "offline" | "offlining" | "relocating" | "unmounted" | "restricted" | "inconsistent" | "failed" | "unknown";
        aggregate: {
            _links?: components["schemas"]["self_link"];
            uuid?: string;
            name?: string;
            state?: components["schemas"]["aggregate_state"];
            create_time?: string;
            node?: components["schemas"]["named"];
            home_node?: components["schemas"]["named"];
            block_storage?: {
                /** @enum {string} */
                storage_type?: "hdd" | "hybrid" | "lun" | "ssd" | "vmdisk";
                primary?: {
                    disk_type?: string;
                    /** @enum {string} */
                    raid_type?: "raid_dp" | "raid_tec" | "raid0" | "raid4" | "mixed_raid_type";
                };
            };
            space?: {
                /** @description Bytes */
                block_storage?: {
                    size?: number;
                    used?: number;
                    available?: number;
                    full_threshold_percent?: number;
                };
                footprint?: number;
            };
        };
    };
    responses: {
        /** @description What went wrong */
        failed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["error_response"];
            };
        };
    };
    parameters: {
        uuid: string;
        /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
        fields: string[];
        /** @description Largest page */
        max_records: number;
        /** @description Fields to sort by, each with an optional `asc` or `desc` */
        order_by: string[];
        /** @description false: only count */
        return_records: boolean;
        /** @description Answer with what was created */
        return_created: boolean;
        /** @description Seconds (0 to 120) to work on this page */
        read_return_timeout: number;
        /** @description Seconds (0 to 120) to wait for the end before answering with a job */
        change_return_timeout: number;
        /** @description Check, change nothing */
        validate_only: boolean;
        /** @description Go on with the next after a failure */
        continue_on_failure: boolean;
        /** @description The source's view */
        list_destinations_only: boolean;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
/** Every method of every path, by the name that the description gives it. */
export interface operations {
    getCluster: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The cluster */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["cluster"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listJobs: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                /** @description Method and path of the call that started it */
                description?: string;
                state?: components["schemas"]["job_state"];
                code?: number;
                message?: string;
                start_time?: string;
                end_time?: string;
                "node.name"?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of jobs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["job"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    steerJobs: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                /** @description cancel, pause or resume */
                action?: string;
                uuid?: string;
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The action was taken */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getJob: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["job"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    steerJob: {
        parameters: {
            query?: {
                /** @description cancel, pause or resume */
                action?: string;
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The action was taken */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listLicenses: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                name?: string;
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of licences */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["license"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getLicense: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The licence */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["license"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listClusterPeers: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                "remote.name"?: string;
                "status.state"?: "available" | "partial" | "unavailable" | "pending" | "unidentified";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of cluster peers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["cluster_peer"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createClusterPeer: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["cluster_peer"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["cluster_peer_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteClusterPeers: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeClusterPeers: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["cluster_peer"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getClusterPeer: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The peer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["cluster_peer"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteClusterPeer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    changeClusterPeer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["cluster_peer"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listSchedules: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                type?: "cron" | "interval";
                scope?: "cluster" | "svm";
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of schedules */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["schedule"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createSchedule: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["schedule"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSchedules: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSchedules: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["schedule"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getSchedule: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The schedule */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["schedule"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    changeSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["schedule"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listNodes: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                state?: "up" | "booting" | "down" | "taken_over" | "waiting_for_giveback" | "degraded" | "unknown";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of nodes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["node"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getNode: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The node */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["node"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listSvms: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                state?: components["schemas"]["svm_state"];
                subtype?: components["schemas"]["svm_subtype"];
                "ipspace.name"?: string;
                "aggregates.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of SVMs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["svm"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getSvm: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The SVM */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listSvmPeers: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                /** @description What the peer SVM is called here */
                name?: string;
                state?: components["schemas"]["svm_peer_state"];
                applications?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                "peer.svm.name"?: string;
                "peer.svm.uuid"?: string;
                "peer.cluster.name"?: string;
                "peer.cluster.uuid"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of peerings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["svm_peer"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createSvmPeer: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["svm_peer"];
            };
        };
        responses: {
            /** @description Peered or proposed */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSvmPeers: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                /** @description Also when the peer cannot be asked */
                force?: boolean;
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "peer.svm.name"?: string;
                "peer.cluster.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSvmPeers: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "peer.svm.name"?: string;
                "peer.cluster.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["svm_peer"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getSvmPeer: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The peering */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSvmPeer: {
        parameters: {
            query?: {
                /** @description Also when the peer cannot be asked */
                force?: boolean;
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSvmPeer: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["svm_peer"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listSvmPeerPermissions: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                applications?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                "cluster_peer.name"?: string;
                "cluster_peer.uuid"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of permissions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["svm_peer_permission"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createSvmPeerPermission: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["svm_peer_permission"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_permission_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSvmPeerPermissions: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                "svm.name"?: string;
                "svm.uuid"?: string;
                "cluster_peer.name"?: string;
                "cluster_peer.uuid"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSvmPeerPermissions: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                "svm.name"?: string;
                "svm.uuid"?: string;
                "cluster_peer.name"?: string;
                "cluster_peer.uuid"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["svm_peer_permission"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getSvmPeerPermission: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                "cluster_peer.uuid": string;
                "svm.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The permission */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["svm_peer_permission"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSvmPeerPermission: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "cluster_peer.uuid": string;
                "svm.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Taken back */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    changeSvmPeerPermission: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "cluster_peer.uuid": string;
                "svm.uuid": string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["svm_peer_permission"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listRelationships: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description The source's view */
                list_destinations_only?: components["parameters"]["list_destinations_only"];
                uuid?: string;
                state?: components["schemas"]["relationship_state"];
                healthy?: boolean;
                /** @description ISO 8601 duration */
                lag_time?: string;
                group_type?: components["schemas"]["relationship_group_type"];
                restore?: boolean;
                exported_snapshot?: string;
                "source.path"?: string;
                "source.svm.name"?: string;
                "source.svm.uuid"?: string;
                "source.cluster.name"?: string;
                "destination.path"?: string;
                "destination.svm.name"?: string;
                "destination.svm.uuid"?: string;
                "destination.cluster.name"?: string;
                "policy.name"?: string;
                "policy.uuid"?: string;
                "policy.type"?: components["schemas"]["policy_type"];
                "transfer.state"?: components["schemas"]["transfer_state"];
                "transfer.type"?: components["schemas"]["transfer_type"];
                "transfer.end_time"?: string;
                "transfer_schedule.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of relationships */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["relationship"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createRelationship: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
                /** @description Check, change nothing */
                validate_only?: components["parameters"]["validate_only"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["relationship"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship_change"];
                };
            };
            /** @description A job creates it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteRelationships: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                destination_only?: boolean;
                source_only?: boolean;
                source_info_only?: boolean;
                uuid?: string;
                state?: components["schemas"]["relationship_state"];
                "source.path"?: string;
                "destination.path"?: string;
                "policy.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeRelationships: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                /** @description Break without the usual checks */
                force?: boolean;
                uuid?: string;
                state?: components["schemas"]["relationship_state"];
                "source.path"?: string;
                "destination.path"?: string;
                "policy.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["relationship"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getRelationship: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description The source's view */
                list_destinations_only?: components["parameters"]["list_destinations_only"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The relationship */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteRelationship: {
        parameters: {
            query?: {
                /** @description The destination's half; the source still lists it */
                destination_only?: boolean;
                /** @description On the source cluster: its entry, and the snapshots held for it */
                source_only?: boolean;
                /** @description The source's entry; snapshots stay */
                source_info_only?: boolean;
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship_change"];
                };
            };
            /** @description A job deletes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeRelationship: {
        parameters: {
            query?: {
                /** @description Break without the usual checks */
                force?: boolean;
                /** @description SVM relationships: stop the source, break, start the destination */
                failover?: boolean;
                /** @description SVM relationships: go back to the source */
                failback?: boolean;
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
                /** @description Check, change nothing */
                validate_only?: components["parameters"]["validate_only"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["relationship"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["relationship_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listTransfers: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                state?: components["schemas"]["transfer_state"];
                snapshot?: string;
                end_time?: string;
            };
            header?: never;
            path: {
                "relationship.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of transfers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["transfer"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    startTransfer: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                "relationship.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["transfer"];
            };
        };
        responses: {
            /** @description Started */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    changeTransfers: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                state?: string;
            };
            header?: never;
            path: {
                "relationship.uuid": string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["transfer"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getTransfer: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                "relationship.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The transfer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["transfer"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeTransfer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                "relationship.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["transfer"];
            };
        };
        responses: {
            /** @description Aborting */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listPolicies: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                type?: components["schemas"]["policy_type"];
                sync_type?: components["schemas"]["policy_sync_type"];
                scope?: "svm" | "cluster";
                "svm.name"?: string;
                "transfer_schedule.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of policies */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["policy"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createPolicy: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["policy"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy_change"];
                };
            };
            /** @description A job creates it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deletePolicies: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                scope?: "svm" | "cluster";
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changePolicies: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                scope?: "svm" | "cluster";
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["policy"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getPolicy: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deletePolicy: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changePolicy: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["policy"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["policy_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listVolumes: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                type?: components["schemas"]["volume_type"];
                style?: components["schemas"]["volume_style"];
                state?: components["schemas"]["volume_state"];
                is_svm_root?: boolean;
                /** @description Also list the members of FlexGroups */
                is_constituent?: boolean;
                "error_state.is_inconsistent"?: boolean;
                "aggregates.name"?: string;
                "nas.path"?: string;
                "encryption.enabled"?: boolean;
                "efficiency.volume_path"?: string;
                "consistency_group.name"?: string;
                "clone.is_flexclone"?: boolean;
                "clone.parent_volume.name"?: string;
                "movement.state"?: components["schemas"]["volume_movement_state"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of volumes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["volume"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createVolume: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["volume"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume_change"];
                };
            };
            /** @description A job creates it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteVolumes: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                /** @description Skip the recovery queue */
                force?: boolean;
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                type?: components["schemas"]["volume_type"];
                state?: components["schemas"]["volume_state"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeVolumes: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                type?: components["schemas"]["volume_type"];
                state?: components["schemas"]["volume_state"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["volume"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getVolume: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The volume */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteVolume: {
        parameters: {
            query?: {
                /** @description Skip the recovery queue */
                force?: boolean;
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume_change"];
                };
            };
            /** @description A job deletes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeVolume: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
                /** @description Check, change nothing */
                validate_only?: components["parameters"]["validate_only"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["volume"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["volume_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listRootDirectory: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                name?: string;
                type?: string;
            };
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of names */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["file_info"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    readFile: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                name?: string;
                type?: string;
                size?: number;
                return_metadata?: boolean;
                byte_offset?: number;
                /** @description At most 1 MB */
                length?: number;
            };
            header?: never;
            path: {
                "volume.uuid": string;
                /** @description Relative to the root; slashes and dots are encoded */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of names; bytes are one part of multipart/form-data */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["file_info"][];
                    };
                    "multipart/form-data": {
                        /** Format: binary */
                        data?: string;
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createFile: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description -1 is the end */
                byte_offset?: number;
                overwrite?: boolean;
                stream_name?: string;
            };
            header?: never;
            path: {
                "volume.uuid": string;
                /** @description Relative to the root; slashes and dots are encoded */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["file_info"];
                "multipart/form-data": {
                    /** Format: binary */
                    data?: string;
                };
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    deleteFile: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
                recurse?: boolean;
                throttle_deletion?: number;
            };
            header?: never;
            path: {
                "volume.uuid": string;
                /** @description Relative to the root; slashes and dots are encoded */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["file_change"];
                };
            };
            /** @description A job removes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["file_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeFile: {
        parameters: {
            query?: {
                /** @description -1 is the end */
                byte_offset?: number;
                stream_name?: string;
            };
            header?: never;
            path: {
                "volume.uuid": string;
                /** @description Relative to the root; slashes and dots are encoded */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["file_info"];
                "multipart/form-data": {
                    /** Format: binary */
                    data?: string;
                };
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listSnapshots: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                create_time?: string;
                snapmirror_label?: string;
                owners?: string;
            };
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of snapshots */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["snapshot"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createSnapshot: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot"];
            };
        };
        responses: {
            /** @description Taken */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_change"];
                };
            };
            /** @description A job takes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSnapshots: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                snapmirror_label?: string;
            };
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSnapshots: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                snapmirror_label?: string;
            };
            header?: never;
            path: {
                "volume.uuid": string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getSnapshot: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                "volume.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The snapshot */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSnapshot: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                "volume.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_change"];
                };
            };
            /** @description A job deletes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSnapshot: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                "volume.uuid": string;
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listLuns: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                "location.volume.name"?: string;
                "location.volume.uuid"?: string;
                "copy.source.progress.state"?: string;
                "movement.progress.state"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["lun"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createLun: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["lun"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["lun_change"];
                };
            };
            /** @description A job makes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteLuns: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeLuns: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["lun"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getLun: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The LUN */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["lun"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteLun: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
                allow_delete_while_mapped?: boolean;
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A job deletes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeLun: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["lun"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A job changes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listNamespaces: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
                "svm.uuid"?: string;
                "location.volume.name"?: string;
                "location.volume.uuid"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["namespace"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createNamespace: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["namespace"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["namespace_change"];
                };
            };
            /** @description A job makes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteNamespaces: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeNamespaces: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
                "svm.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["namespace"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            /** @description Jobs do it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getNamespace: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The namespace */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["namespace"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteNamespace: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
                allow_delete_while_mapped?: boolean;
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A job deletes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeNamespace: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["namespace"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A job changes it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    rehostVolume: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    vserver?: string;
                    volume?: string;
                    destination_vserver?: string;
                    force_unmap_luns?: boolean;
                    auto_remap_luns?: boolean;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    cloneFile: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["file_clone"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    copyFiles: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to wait for the end before answering with a job */
                return_timeout?: components["parameters"]["change_return_timeout"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["file_copy"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            /** @description A job does it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["offload_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    listSnapshotPolicies: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                enabled?: boolean;
                scope?: "svm" | "cluster";
                "svm.name"?: string;
                "svm.uuid"?: string;
                "copies.schedule.name"?: string;
                "copies.snapmirror_label"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of snapshot policies */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["snapshot_policy"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    createSnapshotPolicy: {
        parameters: {
            query?: {
                /** @description Answer with what was created */
                return_records?: components["parameters"]["return_created"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot_policy"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSnapshotPolicies: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    changeSnapshotPolicies: {
        parameters: {
            query?: {
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                /** @description Go on with the next after a failure */
                continue_on_failure?: components["parameters"]["continue_on_failure"];
                uuid?: string;
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot_policy"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["collection_change"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getSnapshotPolicy: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["snapshot_policy"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
    deleteSnapshotPolicy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    changeSnapshotPolicy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["snapshot_policy"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["failed"];
        };
    };
    listAggregates: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
                /** @description Largest page */
                max_records?: components["parameters"]["max_records"];
                /** @description Fields to sort by, each with an optional `asc` or `desc` */
                order_by?: components["parameters"]["order_by"];
                /** @description false: only count */
                return_records?: components["parameters"]["return_records"];
                /** @description Seconds (0 to 120) to work on this page */
                return_timeout?: components["parameters"]["read_return_timeout"];
                uuid?: string;
                name?: string;
                state?: components["schemas"]["aggregate_state"];
                "node.name"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of aggregates */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        _links?: components["schemas"]["page_links"];
                        num_records?: number;
                        records?: components["schemas"]["aggregate"][];
                    };
                };
            };
            default: components["responses"]["failed"];
        };
    };
    getAggregate: {
        parameters: {
            query?: {
                /** @description Which fields to return, dotted; a parent's name stands for all below it, `*` for all that are cheap */
                fields?: components["parameters"]["fields"];
            };
            header?: never;
            path: {
                uuid: components["parameters"]["uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The aggregate */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["aggregate"];
                };
            };
            default: components["responses"]["failed"];
        };
    };
}
