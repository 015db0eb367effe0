//! The tables, one description for both databases. A test compares it with what the migrations of each make.

diesel::table! {
    users (id) {
        id -> Text,
        username -> Text,
        username_folded -> Text,
        email -> Nullable<Text>,
        email_folded -> Nullable<Text>,
        full_name -> Nullable<Text>,
        profile_picture -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        role -> Text,
        active -> Bool,
        verified -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        generation -> BigInt,
        rotated_at -> BigInt,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Text,
        user_id -> Text,
        name -> Text,
        token_hash -> Text,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    meta (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    plugin_config (plugin_name) {
        plugin_name -> Text,
        plugin_name_folded -> Text,
        status -> Text,
        config -> Text,
        owner_id -> Nullable<Text>,
        latest_version -> Nullable<Text>,
        enabled_at -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    releases (slug, version) {
        slug -> Text,
        version -> Text,
        manifest -> Text,
        digest -> Text,
        size -> BigInt,
        file_count -> BigInt,
        visibility -> Text,
        entry_sha384 -> Nullable<Text>,
        search_text -> Text,
        category -> Nullable<Text>,
        published_by -> Text,
        published_at -> BigInt,
        yanked_at -> Nullable<BigInt>,
        yank_reason -> Nullable<Text>,
        files_removed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    release_files (slug, version, path) {
        slug -> Text,
        version -> Text,
        path -> Text,
        size -> BigInt,
        sha384 -> Text,
        content_type -> Text,
    }
}

diesel::table! {
    channels (slug, name) {
        slug -> Text,
        name -> Text,
        version -> Text,
        updated_at -> BigInt,
    }
}

diesel::table! {
    plugins (id) {
        id -> Text,
        user_id -> Text,
        plugin_slug -> Text,
        version -> Text,
        enabled -> Bool,
        config -> Text,
        manifest -> Nullable<Text>,
        access_key -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        enabled_at -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    plugin_versions (plugin_id, sequence) {
        plugin_id -> Text,
        sequence -> BigInt,
        version -> Text,
        change -> Text,
        installed_by -> Text,
        installed_at -> BigInt,
        replaced_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    modules (plugin_id, id) {
        plugin_id -> Text,
        id -> Text,
        enabled -> Bool,
        config -> Text,
        present -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    pending_records (user_id, plugin_slug) {
        user_id -> Text,
        plugin_slug -> Text,
        metadata -> Nullable<Text>,
    }
}

diesel::table! {
    audit_log (id) {
        id -> Text,
        at -> BigInt,
        actor -> Text,
        actor_id -> Nullable<Text>,
        action -> Text,
        object -> Text,
        outcome -> Text,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    update_checks (source_url) {
        source_url -> Text,
        checked_at -> BigInt,
        latest_version -> Nullable<Text>,
        failure -> Nullable<Text>,
    }
}

diesel::table! {
    user_heads (user_id) {
        user_id -> Text,
        seq -> BigInt,
        entries -> BigInt,
        horizon -> BigInt,
    }
}

diesel::table! {
    state_usage (user_id, plugin_slug) {
        user_id -> Text,
        plugin_slug -> Text,
        entries -> BigInt,
        size -> BigInt,
        stored_size -> BigInt,
    }
}

diesel::table! {
    state_entries (id) {
        id -> Text,
        user_id -> Text,
        plugin_slug -> Text,
        page_id -> Text,
        state_key -> Text,
        size -> BigInt,
        stored_size -> BigInt,
        encoding -> Text,
        sha256 -> Text,
        content_sha256 -> Text,
        schema_version -> Nullable<Text>,
        plugin_version -> Nullable<Text>,
        strategy -> Text,
        device_id -> Nullable<Text>,
        seq -> BigInt,
        version -> BigInt,
        active -> Bool,
        last_accessed -> BigInt,
        access_count -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        data -> Nullable<Binary>,
    }
}

diesel::table! {
    state_revisions (entry_id, version) {
        entry_id -> Text,
        version -> BigInt,
        seq -> BigInt,
        change -> Text,
        encoding -> Text,
        size -> BigInt,
        stored_size -> BigInt,
        sha256 -> Text,
        schema_version -> Nullable<Text>,
        plugin_version -> Nullable<Text>,
        device_id -> Nullable<Text>,
        actor -> Text,
        user_agent -> Nullable<Text>,
        created_at -> BigInt,
        data -> Nullable<Binary>,
    }
}

diesel::table! {
    state_policies (plugin_slug) {
        plugin_slug -> Text,
        policy -> Text,
        updated_by -> Text,
        updated_at -> BigInt,
    }
}

diesel::table! {
    snapshots (id) {
        id -> Text,
        user_id -> Text,
        plugin_slug -> Text,
        plugin_version -> Nullable<Text>,
        reason -> Text,
        label -> Nullable<Text>,
        pinned -> Bool,
        entries -> BigInt,
        size -> BigInt,
        seq -> BigInt,
        created_by -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    snapshot_entries (snapshot_id, page_id, state_key) {
        snapshot_id -> Text,
        page_id -> Text,
        state_key -> Text,
        size -> BigInt,
        stored_size -> BigInt,
        encoding -> Text,
        sha256 -> Text,
        content_sha256 -> Text,
        schema_version -> Nullable<Text>,
        plugin_version -> Nullable<Text>,
        strategy -> Text,
        device_id -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
        data -> Binary,
    }
}

diesel::table! {
    state_mutations (user_id, device_id, mutation_id) {
        user_id -> Text,
        device_id -> Text,
        mutation_id -> Text,
        result -> Text,
        created_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    api_tokens,
    meta,
    plugin_config,
    releases,
    release_files,
    channels,
    plugins,
    plugin_versions,
    modules,
    pending_records,
    audit_log,
    update_checks,
    user_heads,
    state_usage,
    state_entries,
    state_revisions,
    state_policies,
    snapshots,
    snapshot_entries,
    state_mutations,
);
